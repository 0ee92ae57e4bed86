"""The rewards that ship with the library, one module a domain."""
