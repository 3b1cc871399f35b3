/*-------------------------------------------------------------------------
 *
 * server_stub.h
 *	  What tests outside a server share: errors that are caught, and checks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SERVER_STUB_H
#define SERVER_STUB_H

#include <setjmp.h>

/* The C library's, not the server's */
#undef printf

#define MAX_REPORTED 20

/* Where an ereport(ERROR) goes on, and its SQLSTATE */
extern jmp_buf stub_error_jump;
extern int	stub_error_code;

/* Gives back all memory but that of TopMemoryContext, which is current no more */
extern void stub_free_memory(void);

extern int	passed;
extern int	failed;

#define CHECK(condition, ...) \
	do { \
		if (condition) \
			passed++; \
		else if (++failed <= MAX_REPORTED) \
		{ \
			printf("not ok, line %d: ", __LINE__); \
			printf(__VA_ARGS__); \
			printf("\n"); \
		} \
	} while (0)

#endif							/* SERVER_STUB_H */
