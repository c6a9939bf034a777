"""Starts a worker that can be stopped without losing its flow runs.

Prefect's own process worker kills its flows when it is told to stop, and their runs stay Running for ever. This one
stops taking runs, waits for those that it has, ends what takes too long, and only then goes. A worker that was
killed all the same finds the runs it left behind when it is back, and ends them.

    python -m workers.draining --pool compras-dev --type process --name compras-1 --drain-seconds 600
"""
