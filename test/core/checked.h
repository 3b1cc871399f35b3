/*-------------------------------------------------------------------------
 *
 * checked.h
 *	  Included before every file of the harness and of the engine when tests
 *	  are compiled: assertions that work without a server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CORE_CHECKED_H
#define CORE_CHECKED_H

#include "postgres.h"

extern void core_assert_failed(const char *condition, const char *file, int line)
			pg_attribute_noreturn();

#undef Assert
#define Assert(condition) \
	((void) ((condition) || (core_assert_failed(#condition, __FILE__, __LINE__), 0)))

#endif							/* CORE_CHECKED_H */
