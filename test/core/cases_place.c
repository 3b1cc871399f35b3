/*-------------------------------------------------------------------------
 *
 * cases_place.c
 *	  Cases made by hand: which node a replica goes to, and gangs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cases.h"

#define GIB			(INT64CONST(1) << 30)
#define TRAVERSAL	PM_QUEUE_TRAVERSAL

static const Case cases[] = {
	{
		"pack: without accelerator to nodes without one, though they are emptier",
		TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 0, 1000}, {4000}, .ngpus = 1}, {{8000}}},
		{{1, .groups = {{1, 0, {4000}}}}},
		"start 1 n1 x1"
	},
	{
		"pack: but it may use a node with one when nothing else is left",
		TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 0, 1000}, .ngpus = 1}, {{8000}, {5000}}},
		{{1, .groups = {{1, 0, {4000}}}}},
		"start 1 n0 x1"
	},
	{
		"pack: not where it strands devices, though that were fuller",
		TRAVERSAL, PM_PLACE_PACK,
		/*
		 * Left over: 4/8 cpu for 1/4 gpu; 1/8 cpu for 1/4 gpu, of which 1/8
		 * is of no use: 4 eighths of a device
		 */
		{
			{{8000, 0, 4000}, .ngpus = 4, .gpu_used = {1000, 1000}},
			{{8000, 0, 4000}, {3000}, .ngpus = 4, .gpu_used = {1000, 1000}}
		},
		{{1, .groups = {{1, 0, {4000, 0, 1000}}}}},
		"start 1 n0 x1 d2"
	},
	{
		"pack: what asks for little beside its device goes where devices are stranded",
		TRAVERSAL, PM_PLACE_PACK,
		/* nothing stranded before or after; 3 devices stranded before, 2.5 after */
		{
			{{8000, 0, 4000}, {4000}, .ngpus = 4, .gpu_used = {1000, 1000}},
			{{8000, 0, 4000}, {6000}, .ngpus = 4}
		},
		{{1, .groups = {{1, 0, {1000, 0, 1000}}}}},
		"start 1 n1 x1 d0"
	},
	{
		"pack: a part goes where it leaves least of a device", TRAVERSAL, PM_PLACE_PACK,
		/* left over of the device: 500, 0; of all: 3/4, 7/8 */
		{
			{{0, 0, 2000}, .ngpus = 2, .gpu_used = {0, 200}},
			{{0, 0, 8000}, .ngpus = 8, .gpu_used = {700}}
		},
		{{1, .groups = {{1, 0, {0, 0, 300}}}}},
		"start 1 n1 x1 d0@300"
	},
	{
		"pack: less than an eighth of a device makes no difference", TRAVERSAL, PM_PLACE_PACK,
		/* left over of the device: 0, 100; of all: 1/8, 1/20 */
		{
			{
				{0, 0, 8000}, .ngpus = 8,
				.gpu_used = {700, 1000, 1000, 1000, 1000, 1000, 1000}
			},
			{{0, 0, 2000}, .ngpus = 2, .gpu_used = {600, 1000}}
		},
		{{1, .groups = {{1, 0, {0, 0, 300}}}}},
		"start 1 n1 x1 d0@300"
	},
	{
		"pack: of equal dominant shares, the least free accelerator", TRAVERSAL, PM_PLACE_PACK,
		{
			{{8000, 0, 4000}, .ngpus = 4},
			{{8000, 0, 4000}, .ngpus = 4, .gpu_used = {1000, 1000}}
		},
		{{1, .groups = {{1, 0, {0, 0, 1000}}}}},
		"start 1 n1 x1 d2"
	},
	{
		"pack: a gang leaves a node for a better one, and comes back", TRAVERSAL, PM_PLACE_PACK,
		/* a second replica would strand the last device of n0: n1 first */
		{
			{{8000, 0, 4000}, .ngpus = 4, .gpu_used = {1000}},
			{{16000, 0, 2000}, .ngpus = 2}
		},
		{{1, .groups = {{4, 0, {4000, 0, 1000}}}}},
		"start 1 n0 x2 d1,2 n1 x2 d0,1"
	},
	{
		"pack: least dominant free share, whatever the size of the node",
		TRAVERSAL, PM_PLACE_PACK,
		/* free after: 3/8 and 5/8 -> 5/8; 9/16 and 1/16 -> 9/16; 2/4 and 3/4 -> 3/4 */
		{
			{{8000, 8 * GIB}, {4000, 2 * GIB}},
			{{16000, 16 * GIB}, {6000, 14 * GIB}},
			{{4000, 4 * GIB}, {1000, 0}}
		},
		{{1, .groups = {{1, 0, {1000, 1 * GIB}}}}},
		"start 1 n1 x1"
	},
	{
		"pack: equal shares of unequal nodes tie, the first made wins",
		TRAVERSAL, PM_PLACE_PACK,
		{{{6000}, {3000}}, {{3000}, {1000}}, {{9000}, {5000}}},
		/* left over: 2/6, 1/3, 3/9 */
		{{1, .groups = {{1, 0, {1000}}}}},
		"start 1 n0 x1"
	},
	{
		"pack: exact tie goes to node order", TRAVERSAL, PM_PLACE_PACK,
		{{{3000}}, {{3000}}, {{6000}, {2000}}},
		/* left over: 2/3, 2/3, 3/6; then nothing on all three; then -, 1/6, 1/12 */
		{
			{1, .submitted = 0, .groups = {{1, 0, {1000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {3000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {2500}}}}
		},
		"start 1 n2 x1; start 2 n0 x1; start 3 n2 x1"
	},
	{
		"spread: the greatest share in use decides", TRAVERSAL, PM_PLACE_SPREAD,
		/* in use afterwards: 3/8 and 7/8; 5/8 and 1/8 */
		{{{8000, 8 * GIB}, {2000, 6 * GIB}}, {{8000, 8 * GIB}, {4000, 0}}},
		{{1, .groups = {{1, 0, {1000, 1 * GIB}}}}},
		"start 1 n1 x1"
	},
	{
		"spread: of what is asked for", TRAVERSAL, PM_PLACE_SPREAD,
		{{{8000, 8 * GIB}, {4000, 0}}, {{8000, 8 * GIB}, {2000, 6 * GIB}}},
		{{1, .groups = {{1, 0, {1000}}}}},
		"start 1 n1 x1"
	},
	{
		"spread: replica by replica, in node order when all are alike", TRAVERSAL, PM_PLACE_SPREAD,
		{{{4000}}, {{4000}}, {{4000}}},
		{{1, .groups = {{4, 0, {1000}}}}, {2, .submitted = 1, .groups = {{1, 0, {1000}}}}},
		"start 1 n0 x2 n1 x1 n2 x1; start 2 n1 x1"
	},
	{
		"spread: without accelerator to nodes without one first", TRAVERSAL, PM_PLACE_SPREAD,
		{{{8000, 0, 1000}, .ngpus = 1}, {{8000}, {6000}}},
		{{1, .groups = {{1, 0, {1000}}}}},
		"start 1 n1 x1"
	},
	{
		"first_fit: node order", TRAVERSAL, PM_PLACE_FIRST_FIT,
		{{{8000}, {7500}}, {{8000}}, {{8000}, {7000}}},
		{{1, .groups = {{1, 0, {1000}}}}},
		"start 1 n1 x1"
	},
	{
		"a gang over several nodes, fullest first", TRAVERSAL, PM_PLACE_PACK,
		{
			{{0, 0, 2000}, .ngpus = 2},
			{{0, 0, 2000}, .ngpus = 2, .gpu_used = {1000}},
			{{0, 0, 2000}, .ngpus = 2}
		},
		{{1, .groups = {{4, 0, {0, 0, 1000}}}}},
		"start 1 n1 x1 d1 n0 x2 d0,1 n2 x1 d0"
	},
	{
		"a gang that does not fit leaves everything as it was", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}, {{4000}, {3000}}},
		{
			{1, .submitted = 0, .groups = {{4, 0, {2000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {4000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}}
		},
		"start 2 n0 x1; start 3 n1 x1; wait 1 resources pool cpu 8000/0"
	},
	{
		"two groups: the harder one first, all or nothing", TRAVERSAL, PM_PLACE_PACK,
		{{{4000, 0, 1000}, .ngpus = 1}, {{2000}}},
		{{1, .groups = {{3, 0, {1000}}, {1, 0, {3000, 0, 1000}}}}},
		"start 1 g1 n0 x1 d0 g0 n1 x2 g0 n0 x1"
	},
	{
		"two groups: minimum of both before more of either", TRAVERSAL, PM_PLACE_PACK,
		{{{3000}}},
		{{1, .groups = {{3, 1, {1000}}, {3, 1, {1000}}}}},
		"start 1 g0 n0 x2 g1 n0 x1"
	}
};

void
core_placement_cases(void)
{
	for (int i = 0; i < lengthof(cases); i++)
	{
		core_fresh_memory();
		core_run_case(&cases[i]);
	}
}
