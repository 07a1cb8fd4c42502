"""Where calls touch the world."""
