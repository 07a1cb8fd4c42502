"""Where the demo's products come from: words and habits of feeds, and nothing that the job itself reads."""
