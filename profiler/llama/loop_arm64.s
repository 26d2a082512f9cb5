#include "textflag.h"

// The C function void decodeEach(struct loop *l), by AAPCS64. The offsets are
// those of the Go type loop. Its stack: saved registers (0 to 47), a copy of
// the batch, whose address llama_decode takes (48 to 103), and a timespec (112
// to 127).
TEXT decodeEach<>(SB), NOSPLIT|NOFRAME, $0
	SUB  $128, RSP
	STP  (R29, R30), 0(RSP)
	STP  (R19, R20), 16(RSP)
	STP  (R21, R22), 32(RSP)
	MOVD R0, R19
	MOVD $0, R20 // views decoded
	MOVD 32(R19), R21 // the next view
	MOVD 48(R19), R22 // the next stamp
stamp:
	MOVD $1, R0 // CLOCK_MONOTONIC
	ADD  $112, RSP, R1
	MOVD 16(R19), R9
	CALL (R9)
	MOVD 112(RSP), R9
	MOVD 120(RSP), R10
	MOVD $1000000000, R11
	MADD R11, R10, R9, R9
	MOVD R9, (R22)
	ADD  $8, R22
	MOVD 40(R19), R9
	CMP  R9, R20
	BGE  done
	LDP  0(R21), (R9, R10)
	STP  (R9, R10), 48(RSP)
	LDP  16(R21), (R9, R10)
	STP  (R9, R10), 64(RSP)
	LDP  32(R21), (R9, R10)
	STP  (R9, R10), 80(RSP)
	MOVD 48(R21), R9
	MOVD R9, 96(RSP)
	MOVD 24(R19), R0
	ADD  $48, RSP, R1
	MOVD 0(R19), R9
	CALL (R9) // llama_decode(context, view)
	MOVW R0, 56(R19)
	CBNZW R0, done
	MOVD 24(R19), R0
	MOVD 8(R19), R9
	CALL (R9) // llama_synchronize(context)
	ADD  $56, R21
	ADD  $1, R20
	B    stamp
done:
	LDP  0(RSP), (R29, R30)
	LDP  16(RSP), (R19, R20)
	LDP  32(RSP), (R21, R22)
	ADD  $128, RSP
	RET

DATA ·decodeEachAddress(SB)/8, $decodeEach<>(SB)
GLOBL ·decodeEachAddress(SB), RODATA|NOPTR, $8
