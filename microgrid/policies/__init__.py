"""Policy packs: rules of governments and standards as data, checked in the report or enforced in the model."""
