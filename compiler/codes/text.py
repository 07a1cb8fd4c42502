"""E1xx: a file that can't be read as a spec's text."""

from __future__ import annotations

from collections.abc import Mapping

from .code import Code

CODES: Mapping[str, Code] = {
    "E101": Code(
        "the file is too large",
        "A spec is read whole, and a file of more than 256 KiB is no spec: it is most likely a data file. "
        "A spec names its data, it doesn't hold it: declare a dataset and point its connector at the file.",
        "datasets:\n  feed: {use: files, type: shop.types:Product, key: id, with: {url: feed.parquet}}",
    ),
    "E102": Code(
        "the file is not UTF-8",
        "Specs are text in UTF-8. A file in UTF-16 or in an older 8-bit encoding must be saved as UTF-8; "
        "a file of bytes (an archive, a Parquet file) is not a spec at all.",
        "iconv -f latin1 -t utf-8 old.yaml > new.yaml",
    ),
    "E103": Code(
        "a control character",
        "YAML allows no control characters but tab and line ends. They get into files by copying from terminals, or "
        "because the file is no text. Inside a text in double quotes any character can be written as an escape.",
        'ask: "ring the bell: \\x07"',
    ),
    "E104": Code(
        "the file is empty",
        "There is nothing in the file but white space and comments. The shortest spec has a version, a name, and a flow or a job.",
        "darner: 1\nname: hello\nflow:\n  steps:\n    greet: {use: hello.steps:greet}\n  outputs: $greet",
    ),
    "E105": Code(
        "this is not YAML",
        "The text breaks the rules of YAML at this place, or just before it. The usual reasons: a value with ': ' in it that is not "
        "quoted, a bracket or a quote that is never closed, a line that is indented differently from its neighbours.",
        'ask: which one: this or that      # quote it: "which one: this or that"',
    ),
    "E106": Code(
        "a tab indents",
        "YAML forbids tabs as indentation, because nobody can see how wide they are. Use spaces; two a level is usual.",
        "flow:\n\tsteps: {}",
    ),
    "E107": Code(
        "more than one document",
        "A line of three dashes starts another document. One file holds one spec; entries that several specs share go to a "
        "library (a spec without name, flow and job) that they name in imports.",
        "darner: 1\nname: one\n---\ndarner: 1\nname: two",
    ),
    "E108": Code(
        "a key is written twice",
        "Most YAML readers keep the last of two equal keys in silence, and half of what was written is lost. "
        "The second label shows the first of the two.",
        "tools:\n  search: {use: shop.tools:search, effects: read}\n  search: {use: shop.tools:find, effects: read}",
    ),
    "E109": Code(
        "a key is not text",
        "Keys are names. A number, true, false, null, a list or a mapping can't be one; quote a number where it is meant as text. "
        "In YAML 1.2 on, off, yes and no are text and need no quotes.",
        'with: {1: one}      # {"1": one}',
    ),
    "E110": Code(
        "merge keys",
        "The key << is not part of YAML 1.2, and it hides where a value comes from. "
        "extends names an entry of the same section, its keys are copied, and a key written here replaces the whole value.",
        "agents:\n  reviewer: {<<: *planner, prompt: review.j2}      # {extends: planner, prompt: review.j2}",
    ),
    "E111": Code(
        "tags",
        "Tags like !include or !!str ask a reader to run code or to change a value's type, and each reader knows others. "
        "Quote what is meant as text; use imports for what stands in another file.",
        "prompt: !include plan.txt      # prompt: prompts/plan.j2",
    ),
    "E112": Code(
        "an alias without an anchor",
        "An alias *name repeats the value that is marked with &name. The mark must stand before the alias, and an alias can't "
        "stand inside the value that it repeats.",
        "with: {query: *query}      # and no &query before",
    ),
    "E113": Code(
        "too many values by alias",
        "Aliases of aliases multiply: ten lines can stand for a billion values. At most 10,000 values may come into a file that way.",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]      # and so on",
    ),
    "E114": Code(
        "nested too deeply",
        "At most 64 lists and mappings may stand inside each other; a spec needs about ten levels. "
        "Deeper values belong in Python, or in a file that a step reads.",
        "with: {value: [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}      # and so on",
    ),
    "E115": Code(
        "nothing is written",
        "A key, or an entry of a list, has no value. YAML reads that as null, and a value that was forgotten would be taken for a "
        "value that was meant. Remove the key, or write null.",
        "flow:\n  timeout:\n  steps: {}",
    ),
    "E116": Code(
        "a number that can't be carried",
        "Whole numbers have 64 bits, and .inf and .nan are no JSON: plans, journals and models could not carry them. "
        "Quote it where text is meant.",
        "with: {id: 123456789012345678901234567890}",
    ),
    "E117": Code(
        "a directive",
        "Lines that start with % tell a YAML reader which version and which tags are meant. darner reads YAML 1.2 without tags; "
        "%YAML 1.2 is allowed, and needless.",
        "%YAML 1.1\n---\ndarner: 1",
    ),
    "E118": Code(
        "half of a surrogate pair",
        "An escape from \\ud800 to \\udfff is one half of a character, and no file can hold it. Write the character itself, or "
        "\\U with eight digits.",
        'ask: "\\ud83d"      # "\\U0001F600"',
    ),
    "E119": Code(
        "an anchor is written twice",
        "Two values are marked with the same &name, and a reader can't see which one an alias means.",
        "a: &limits {turns: 4}\nb: &limits {turns: 8}",
    ),
}
