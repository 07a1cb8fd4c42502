"""Where people are asked: questions, answers, approvals, and what they say unasked."""
