/*-------------------------------------------------------------------------
 *
 * billing_test.h
 *	  What billing_test.c and billing_stub.c share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BILLING_TEST_H
#define BILLING_TEST_H

#include <setjmp.h>

/* Where an ereport(ERROR) goes on, and its SQLSTATE */
extern jmp_buf billing_error_jump;
extern int	billing_error_code;

#endif							/* BILLING_TEST_H */
