"""What the kernel offers to hold a program in: one module a mechanism. Server only, standard library only."""
