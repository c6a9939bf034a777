"""The parts of a platform, as Pulumi components: what a stack declares, made of containers and Prefect's objects.

Components know the model and the resources; none of them talks HTTP.
"""
