"""The compiler: words into a plan, touching nothing."""
