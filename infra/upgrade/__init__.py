"""An upgrade of Prefect rehearsed: another release on a copy of a stack's database, on a throwaway stack of its own."""
