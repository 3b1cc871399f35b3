/*-------------------------------------------------------------------------
 *
 * core_test.c
 *	  Tests of the engine outside a server.
 *
 * Usage: core_test [rounds of random inputs]
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core.h"

/* The C library's, not the server's */
#undef printf
#undef vprintf

#define MAX_REPORTED 20

static int	passed;
static int	failed;

bool
core_check(bool ok, const char *format,...)
{
	va_list		args;

	if (ok)
	{
		passed++;
		return true;
	}
	if (++failed <= MAX_REPORTED)
	{
		va_start(args, format);
		printf("not ok: ");
		vprintf(format, args);
		printf("\n");
		va_end(args);
	}
	return false;
}

int
main(int argc, char **argv)
{
	int			rounds = argc > 1 ? atoi(argv[1]) : 20000;

	core_cases();
	core_time_cases();
	core_priorities(rounds);
	core_properties(rounds);
	core_growth_properties(rounds / 3);
	core_time_properties(rounds / 10);
	core_topology_properties(rounds / 10);
	core_preemption(rounds / 2);
	core_free_memory();
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
