"""What a thread's model is told besides the user's words: the Opening of an epoch, and the Context that changed.

Composes facts that others find (instruction files, sandbox, date) with the wording of core/context.py. Says nothing twice: each
section is compared with what the thread's model was last told, and only differences become new items.
"""
