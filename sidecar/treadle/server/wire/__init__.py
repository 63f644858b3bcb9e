"""The contract as pydantic models, one file per noun."""
