namespace learn { int KernelVersion() { return 1; } }
