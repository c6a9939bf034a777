"""Ends what nobody else would: runs without a process, runs that wait for nothing, workers that won't be back.

A small container of a stack. What the server does by itself (marking runs late, deleting old events and runs) is left
to the server's settings; what the engine holds, to the socket proxy. It keeps no state: each look begins anew.
"""
