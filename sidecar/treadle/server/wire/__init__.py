"""The contract as pydantic models, one file per noun.

Names and fields are those of the app-server protocol v2; what Treadle adds lives in treadle.py. The models check what comes
in and say, in tests and in protocol/, what goes out. They must never be used on the way of a delta: building one costs more
than sending it.
"""
