"""Steps with `calls`: plain Python that calls tools, agents and people, executed again and fed from the journal."""
