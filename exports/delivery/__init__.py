"""How what was issued reaches its receiver, again and again until it did, and what the receiver said."""
