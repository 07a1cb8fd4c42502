"""What kinds of product there are: which features, materials and measures they come with."""

from __future__ import annotations

from dataclasses import dataclass

from .words import FEATURES, MATERIALS, Words


@dataclass(frozen=True, slots=True)
class Profile:
    """``sizes``, ``capacities``, ``weights`` are in cm, l and kg; ``sized`` says how a size is written."""

    features: Words
    materials: tuple[tuple[str, ...], ...]
    for_people: bool = False
    sized: str = ""
    sizes: tuple[str, ...] = ()
    capacities: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    volts: tuple[int, ...] = ()


def _profile(features: str, materials: str, **measures: object) -> Profile:
    return Profile(FEATURES[features], tuple(MATERIALS[name] for name in materials.split()), **measures)  # type: ignore[arg-type]


_EU = tuple(str(size) for size in range(36, 47))
_LITRES = (0.35, 0.5, 0.6, 0.75, 1.0, 1.5, 2.0, 5.0)

PROFILES = {
    "shoe": _profile("shoe", "leather suede mesh nylon", for_people=True, sized="EU", sizes=_EU),
    "garment": _profile(
        "garment", "cotton wool polyester linen leather", for_people=True, sized="plain", sizes=("XS", "S", "M", "L", "XL", "XXL")
    ),
    "bag": _profile("bag", "leather nylon polyester cotton", capacities=(10, 15, 20, 25, 30, 40, 60)),
    "bottle": _profile("bottle", "steel plastic glass aluminium", capacities=_LITRES),
    "cookware": _profile("cookware", "steel iron aluminium ceramic", sized="cm", sizes=("16", "20", "24", "26", "28", "30", "32")),
    "tableware": _profile("plain", "ceramic glass steel", sized="cm", sizes=("8", "12", "18", "21", "24", "27")),
    "appliance": _profile("appliance", "steel plastic aluminium", capacities=(0.5, 0.8, 1.0, 1.2, 1.5, 1.7, 5.5), volts=(230,)),
    "powertool": _profile("powertool", "plastic aluminium", volts=(12, 18, 18, 18, 36), weights=(0.9, 1.2, 1.6, 2.4, 3.8)),
    "mains": _profile("plain", "plastic aluminium steel", volts=(230,), weights=(2.5, 3.2, 4.8, 8.5)),
    "handtool": _profile("plain", "steel aluminium plastic", sized="cm", sizes=("10", "15", "20", "25", "30", "45", "60")),
    "audio": _profile("audio", "plastic aluminium", weights=(0.05, 0.18, 0.25, 0.32, 1.4)),
    "computer": _profile("computer", "aluminium plastic", sized="inch", sizes=("10.9", "13.3", "14", "15.6", "24", "27", "32")),
    "phone": _profile("computer", "plastic aluminium glass leather", sized="inch", sizes=("5.4", "6.1", "6.5", "6.7")),
    "camera": _profile("plain", "aluminium carbon plastic", weights=(0.12, 0.38, 0.55, 0.72, 1.1)),
    "furniture": _profile("furniture", "oak pine steel linen", sized="cm", sizes=("40", "60", "80", "120", "140", "160", "180", "200")),
    "textile": _profile("textile", "cotton linen wool polyester", sized="cm", sizes=("40", "70", "90", "140", "160", "200")),
    "lamp": _profile("lamp", "glass aluminium steel plastic", sized="cm", sizes=("6", "12", "20", "35", "50", "150"), volts=(12, 230)),
    "bike": _profile("bike", "aluminium carbon steel", sized="inch", sizes=("20", "24", "26", "27.5", "28", "29")),
    "kidsbike": _profile("kidsbike", "aluminium steel", sized="inch", sizes=("10", "12", "14", "16", "16", "18", "20")),
    "sport": _profile("plain", "aluminium polyester plastic carbon", weights=(0.4, 1.0, 2.0, 5.0, 10.0, 16.0)),
    "tent": _profile(
        "bag", "nylon polyester aluminium", sized="cm", sizes=("60", "120", "190", "210", "240"), weights=(0.4, 0.9, 1.8, 3.4)
    ),
    "toy": _profile("toy", "pine cotton plastic", sized="cm", sizes=("12", "20", "30", "45", "90")),
    "baby": _profile("plain", "plastic cotton aluminium", weights=(0.2, 1.2, 6.5, 9.8)),
    "beauty": _profile("beauty", "glass plastic", capacities=(0.015, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5)),
    "pet": _profile("pet", "cotton plastic steel", weights=(0.4, 1.5, 3.0, 7.5, 12.0)),
    "paper": _profile("plain", "pine plastic steel", weights=(0.02, 0.08, 0.25, 0.5, 2.5)),
    "garden": _profile("plain", "ceramic plastic", weights=(0.02, 0.5, 5.0, 20.0), capacities=(5, 10, 20, 40)),
    "car": _profile("plain", "steel aluminium plastic", sized="inch", sizes=("14", "15", "16", "17", "18", "19"), weights=(0.3, 1.1, 9.5)),
}
