"""What tests of agents need: scripted models, a real model server, a boundary in memory. Shown as ``darner.testing``."""
