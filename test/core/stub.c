/*-------------------------------------------------------------------------
 *
 * stub.c
 *	  What the engine needs of a server, for programs that are none: memory
 *	  contexts over malloc, and no interrupts.
 *
 * Every chunk is a block of its own, so that a sanitizer sees each overrun;
 * memory that is not asked to be zero is filled with a pattern.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/memnodes.h"
#include "utils/memutils.h"

#include "core.h"

#undef fprintf					/* the C library's, not the server's */

typedef struct Chunk
{
	struct Chunk *prev;
	struct Chunk *next;
	MemoryContext context;
	Size		size;
} Chunk;

/* The server's struct, and our list of chunks behind it */
typedef struct StubContext
{
	MemoryContextData header;
	Chunk		chunks;			/* head of a ring */
} StubContext;

volatile sig_atomic_t InterruptPending = false;
MemoryContext CurrentMemoryContext = NULL;

void
ProcessInterrupts(void)
{
}

void
core_assert_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
	abort();
}

/* Reports of what no test brings about: the program ends with the first */
bool
errstart_cold(int elevel, const char *domain)
{
	fprintf(stderr, "an error was reported\n");
	abort();
}

bool
errstart(int elevel, const char *domain)
{
	return errstart_cold(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	abort();
}

int
errcode(int sqlerrcode)
{
	return 0;
}

int
errmsg(const char *fmt,...)
{
	return 0;
}

int
errdetail(const char *fmt,...)
{
	return 0;
}

int
errhint(const char *fmt,...)
{
	return 0;
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name,
							  Size minContextSize, Size initBlockSize,
							  Size maxBlockSize)
{
	StubContext *context = calloc(1, sizeof(StubContext));

	if (context == NULL)
		abort();
	context->header.name = name;
	context->header.parent = parent;
	if (parent)
	{
		context->header.nextchild = parent->firstchild;
		parent->firstchild = (MemoryContext) context;
	}
	context->chunks.prev = context->chunks.next = &context->chunks;
	return (MemoryContext) context;
}

void
MemoryContextReset(MemoryContext context)
{
	Chunk	   *head = &((StubContext *) context)->chunks;

	while (context->firstchild)
		MemoryContextDelete(context->firstchild);
	while (head->next != head)
	{
		Chunk	   *chunk = head->next;

		head->next = chunk->next;
		chunk->next->prev = head;
		free(chunk);
	}
}

void
MemoryContextDelete(MemoryContext context)
{
	MemoryContext *link = context->parent ? &context->parent->firstchild : NULL;

	MemoryContextReset(context);
	while (link && *link != context)
		link = &(*link)->nextchild;
	if (link)
		*link = context->nextchild;
	free(context);
}

static void
link_chunk(Chunk *chunk)
{
	Chunk	   *head = &((StubContext *) chunk->context)->chunks;

	chunk->prev = head;
	chunk->next = head->next;
	head->next->prev = chunk;
	head->next = chunk;
}

static void
unlink_chunk(Chunk *chunk)
{
	chunk->prev->next = chunk->next;
	chunk->next->prev = chunk->prev;
}

void *
MemoryContextAllocHuge(MemoryContext context, Size size)
{
	Chunk	   *chunk = malloc(sizeof(Chunk) + size);

	if (chunk == NULL)
		abort();
	chunk->context = context;
	chunk->size = size;
	link_chunk(chunk);
#ifdef CORE_CHECKED_H
	memset(chunk + 1, 0x7F, size);
#endif
	return chunk + 1;
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	if (!AllocSizeIsValid(size))
		abort();
	return MemoryContextAllocHuge(context, size);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return memset(MemoryContextAlloc(context, size), 0, size);
}

void *
palloc(Size size)
{
	return MemoryContextAlloc(CurrentMemoryContext, size);
}

void *
palloc0(Size size)
{
	return MemoryContextAllocZero(CurrentMemoryContext, size);
}

void
pfree(void *pointer)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;

	unlink_chunk(chunk);
	free(chunk);
}

void *
repalloc_huge(void *pointer, Size size)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;

	unlink_chunk(chunk);
	chunk = realloc(chunk, sizeof(Chunk) + size);
	if (chunk == NULL)
		abort();
	chunk->size = size;
	link_chunk(chunk);
	return chunk + 1;
}

/* Start of a test's own memory; all of it goes at the next call */
void
core_fresh_memory(void)
{
	if (CurrentMemoryContext)
		MemoryContextDelete(CurrentMemoryContext);
	CurrentMemoryContext = AllocSetContextCreateInternal(NULL, "core", 0, 0, 0);
}

void
core_free_memory(void)
{
	MemoryContextDelete(CurrentMemoryContext);
	CurrentMemoryContext = NULL;
}
