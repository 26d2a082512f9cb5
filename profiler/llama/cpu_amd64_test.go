package llama

func tellsInUse() bool { return hasAVX && cpuTellsInUse() }

// upperInUse reports whether this thread has upper halves of vector registers
// in use; false where the CPU does not tell.
func upperInUse() bool { return tellsInUse() && inUse()&(1<<2|1<<6) != 0 }

// soil puts the upper halves in use where there are any.
func soil() {
	if hasAVX {
		fillUpper()
	}
}
