"""Starts and stops workers, so that as many are at work as there are runs for.

A small container of a stack. Which workers there may be is Pulumi's: it makes as many containers as an area's `max`,
and the first `min` of them always run. The others are started and stopped from here, through a socket proxy that lets
nothing else happen to anything else. It keeps no state: after a restart it takes what runs for what was needed.

    policies  how many workers are wanted, and which of them to stop: no clock, no server
    rounds    asks the server and the engine, and tells the engine
    server    what the server knows of an area's runs
    engine    the workers' containers
"""
