"""The Pulumi resource provider `prefect`: Prefect's objects as first-class resources.

The layers, each unaware of the ones before it: `server` speaks gRPC with the engine, `lifecycle` holds what every
resource has in common, `kinds` knows one Prefect object per module, `api` speaks HTTP with the Prefect server.
"""
