"""Child processes with enforced memory: one pool a set of resources, jobs in and results out as JSON lines.

The protocol that `batch` and, later, steps with ``resources`` use::

    with ChildPool(target="module.path:function", memory=1 << 30, sys_path=[...]) as pool:
        reply = pool.call({"shard": 3})        # raises OutOfMemory, Crashed, CallableError; the child is started anew

``function(request: Json) -> Json`` runs in the child. Nothing but JSON crosses the pipe.
"""
