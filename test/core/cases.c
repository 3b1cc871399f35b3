/*-------------------------------------------------------------------------
 *
 * cases.c
 *	  Cases made by hand, with results worked out by hand.
 *
 * Those named in the style of order-001 are from a collection of scheduling
 * cases, re-told from the public tests of other schedulers; what it calls the
 * reason "capacity" is split here into exceeds_max, resources and fragmented.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cases.h"

static const Case cases[] = {
	/* From the collection */
	{
		"gang-001-one-node", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 2000}, .ngpus = 2}},
		{{1, .groups = {{2, 0, {0, 0, 1000}}}}},
		"start 1 n0 x2 d0,1"
	},
	{
		"gang-003-too-big", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 2000}, .ngpus = 2}},
		{{1, .groups = {{2, 0, {0, 0, 2000}}}}},
		"wait 1 exceeds_max pool replicas 2/1"
	},
	{
		"place-002-taints", TRAVERSAL, PM_PLACE_PACK,
		{{{32000}, .taint = {5, 1}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {1000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}, .toleration = {5, 1}}
		},
		"start 2 n0 x1; wait 1 no_matching_node"
	},
	{
		"place-004-drained-node: it is not handed to the engine", TRAVERSAL, PM_PLACE_PACK,
		{{{0}}},
		{{1, .groups = {{1, 0, {1000}}}}},
		"wait 1 no_matching_node"
	},
	{
		"place-005-drain-other-node", TRAVERSAL, PM_PLACE_PACK,
		{{{32000}}},
		{{1, .groups = {{1, 0, {1000}}}}},
		"start 1 n0 x1"
	},
	{
		"place-006-down-gang", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{{1, .groups = {{2, 0, {8000}}}}},
		"wait 1 exceeds_max pool replicas 2/1"
	},
	{
		"place-007-gpu-missing", TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 0, 1000}, .ngpus = 1}, {{8000}}},
		{{1, .groups = {{2, 0, {8000, 0, 1000}}}}},
		"wait 1 exceeds_max pool replicas 2/1"
	},
	{
		"place-013-pods-slots (pods in place of mem)", TRAVERSAL, PM_PLACE_PACK,
		{{{4000, 1000}, {1000, 1000}}},
		{{1, .groups = {{1, 0, {1000, 1000}}}}},
		"wait 1 resources pool mem 1000/0"
	},
	{
		"place-014-foreign-usage", TRAVERSAL, PM_PLACE_PACK,
		{{{1000}, {600}}},
		{{1, .groups = {{1, 0, {600}}}}},
		"wait 1 resources pool cpu 600/400"
	},
	{
		"order-001-positions", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}},
		{
			{2, 50, 0, 0, .groups = {{1, 0, {1000}}}},
			{4, 50, 1, 1, .groups = {{1, 0, {1000}}}},
			{3, 100, 1, 1, .groups = {{1, 0, {1000}}}},
			{1, 100, 0, 0, .groups = {{1, 0, {1000}}}}
		},
		"start 1 n0 x1; start 3 n0 x1; start 2 n0 x1; start 4 n0 x1"
	},
	{
		"order-005-tie-by-submit-then-id", TRAVERSAL, PM_PLACE_PACK,
		{{{3000}}},
		{
			{3, 5, 10, .groups = {{1, 0, {1000}}}},
			{1, 5, 10, .groups = {{1, 0, {1000}}}},
			{2, 5, 5, .groups = {{1, 0, {1000}}}}
		},
		"start 2 n0 x1; start 1 n0 x1; start 3 n0 x1"
	},
	{
		"elastic-002-partial", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 1000}, .ngpus = 1}},
		{{1, .groups = {{2, 1, {0, 0, 1000}}}}},
		"start 1 n0 x1 d0"
	},
	{
		"elastic-003-two-jobs", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 5000}, .ngpus = 5}},
		{
			{1, .submitted = 0, .groups = {{3, 1, {0, 0, 1000}}}},
			{2, .submitted = 1, .groups = {{3, 1, {0, 0, 1000}}}}
		},
		"start 1 n0 x3 d0,1,2; start 2 n0 x2 d3,4"
	},
	{
		"admit-022-best-effort-fifo-passes (quota as a node)", TRAVERSAL, PM_PLACE_PACK,
		{{{5000}}},
		{
			{1, 100, 0, .groups = {{1, 0, {2000}}}},
			{2, 10, 1, .groups = {{1, 0, {5000}}}},
			{3, 1, 2, .groups = {{1, 0, {1000}}}}
		},
		"start 1 n0 x1; start 3 n0 x1; wait 2 resources pool cpu 5000/2000"
	},

	/* Order and lanes */
	{
		"restarted after a fault: first of its priority, not before a higher one",
		TRAVERSAL, PM_PLACE_PACK,
		{{{3000}}},
		{
			{1, 1, 0, .groups = {{1, 0, {1000}}}},
			{2, 1, 9, .restarted = true, .groups = {{1, 0, {1000}}}},
			{3, 2, 9, .groups = {{1, 0, {1000}}}}
		},
		"start 3 n0 x1; start 2 n0 x1; start 1 n0 x1"
	},
	{
		"fifo: a blocked head blocks its lane and no other", FIFO, PM_PLACE_PACK,
		{{{4000}}},
		{
			{1, 1, 0, 0, .groups = {{1, 0, {2000}}}},
			{2, 1, 1, 0, .groups = {{1, 0, {4000}}}},
			{3, 1, 2, 0, .groups = {{1, 0, {1000}}}},
			{4, 1, 3, 1, .groups = {{1, 0, {1000}}}}
		},
		"start 1 n0 x1; start 4 n0 x1; wait 2 resources pool cpu 4000/1000; wait 3 behind_head"
	},

	/* Matching */
	{
		"a selector picks the labelled node", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}, {{8000}, .label = {7, 3}}, {{8000}, .label = {7, 4}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {1000}}}, .selector = {7, 4}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}, .selector = {7, 5}}
		},
		"start 1 n2 x1; wait 2 no_matching_node"
	},
	{
		"tolerations: any value of a key, any key", TRAVERSAL, PM_PLACE_FIRST_FIT,
		{{{1000}, .taint = {5, 1}}, {{1000}, .taint = {6, 1}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {1000}}}, .toleration = {6, PM_ANY_VALUE}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}, .toleration = {PM_ANY_KEY, PM_ANY_VALUE}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}, .toleration = {5, 2}}
		},
		"start 1 n1 x1; start 2 n0 x1; wait 3 no_matching_node"
	},
	{
		"a resource that no node has", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{{1, .groups = {{1, 0, {1000}}}, .impossible = true}},
		"wait 1 no_matching_node"
	},

	/* Devices */
	{
		"a fraction goes to the fullest device with room", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 4000}, .ngpus = 4, .gpu_used = {0, 300, 700, 600}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {0, 0, 400}}}},
			{2, .submitted = 1, .groups = {{1, 0, {0, 0, 400}}}},
			{3, .submitted = 2, .groups = {{1, 0, {0, 0, 400}}}}
		},
		"start 1 n0 x1 d3@400; start 2 n0 x1 d1@400; start 3 n0 x1 d0@400"
	},
	{
		"equally full devices: the lowest number", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 3000}, .ngpus = 3, .gpu_used = {0, 500, 500}}},
		{{1, .groups = {{3, 0, {0, 0, 500}}}}},
		"start 1 n0 x3 d1,2,0@500"
	},
	{
		"a whole device is not made of halves", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 2000}, .ngpus = 2, .gpu_used = {500, 500}}},
		{{1, .groups = {{1, 0, {0, 0, 1000}}}}},
		"wait 1 fragmented node gpu 1000/0"
	},
	{
		"two whole devices: the free ones with the lowest numbers", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 4000}, .ngpus = 4, .gpu_used = {100}}},
		{{1, .groups = {{1, 0, {0, 0, 2000}}}}},
		"start 1 n0 x1 d1,2"
	},
	{
		"a fraction larger than what any device has left", TRAVERSAL, PM_PLACE_PACK,
		{{{0, 0, 2000}, .ngpus = 2, .gpu_used = {700, 600}}},
		{{1, .groups = {{1, 0, {0, 0, 500}}}}},
		"wait 1 fragmented node gpu 500/400"
	},

	/* Reasons */
	{
		"exceeds_max: one replica is too large for every node", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}, {{6000}, {6000}}},
		{{1, .groups = {{1, 0, {8000}}}}},
		"wait 1 exceeds_max node cpu 8000/6000"
	},
	{
		"exceeds_max: only matching nodes count", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}, {{4000}, .label = {7, 1}}},
		{{1, .groups = {{2, 0, {4000}}}, .selector = {7, 1}}},
		"wait 1 exceeds_max pool replicas 2/1"
	},
	{
		"exceeds_max: the groups fit alone but not together", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}},
		{{1, .groups = {{1, 0, {4000}}, {1, 0, {1000}}}}},
		"wait 1 exceeds_max pool replicas 2/1"
	},
	{
		"resources: the dimension with the largest relative lack", TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 8 * GIB}, {6000, 7 * GIB}}},
		/* lacking 2 of 4 cores and 3 of 4 GiB */
		{{1, .groups = {{1, 0, {4000, 4 * GIB}}}}},
		"wait 1 resources pool mem 4294967296/1073741824"
	},
	{
		"resources: a gang is counted with its minimum", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {3000}}},
		{{1, .groups = {{6, 5, {1000}}}}},
		"wait 1 resources pool cpu 5000/4000"
	},
	{
		"fragmented: enough in all, the best node has too little", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}, {2000}}, {{4000}, {1000}}},
		{{1, .groups = {{1, 0, {4000}}}}},
		"wait 1 fragmented node cpu 4000/3000"
	},
	{
		"fragmented: part of a gang fits", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {1000}}},
		{{1, .groups = {{3, 0, {2000}}}}},
		"wait 1 fragmented pool replicas 3/2"
	},
	{
		"fragmented: each dimension is there, not on one node", TRAVERSAL, PM_PLACE_PACK,
		{{{4000, 4 * GIB}, {0, 3 * GIB}}, {{4000, 4 * GIB}, {2000, 0}}},
		/* first lacks 3 of 4 GiB, second 2 of 4 cores */
		{{1, .groups = {{1, 0, {4000, 4 * GIB}}}}},
		"wait 1 fragmented node cpu 4000/2000"
	},
	{
		"fragmented: a node is as far away as its worst dimension, ties to the first",
		TRAVERSAL, PM_PLACE_PACK,
		{
			{{4000, 4 * GIB}, {2000, 1 * GIB}},
			{{4000, 4 * GIB}, {1000, 2 * GIB}},
			{{4000, 4 * GIB}, {0, 4 * GIB}},
			{{4000, 4 * GIB}, {4000, 0}}
		},
		/* the first lacks 2/4 of cpu and 1/4 of mem, the second 1/4 and 2/4 */
		{{1, .groups = {{1, 0, {4000, 4 * GIB}}}}},
		"wait 1 fragmented node cpu 4000/2000"
	},
	{
		"started, and another of the same shape not", TRAVERSAL, PM_PLACE_PACK,
		{{{4000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {3000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {3000}}}}
		},
		"start 1 n0 x1; wait 2 resources pool cpu 3000/1000"
	},

	/* Reserve */
	{
		"reserve: what is free for the blocked job is withheld", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {3000}}},
		/* job 1 lacks least on node 0 and gets its 3 cores; node 1 stays open */
		{
			{1, .submitted = 0, .groups = {{1, 0, {4000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {2000}}}}
		},
		"start 2 n1 x1; wait 1 resources pool cpu 4000/3000; wait 3 reserved pool cpu 2000/0"
	},
	{
		"reserve: a job that lacks only what is withheld withholds too", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {3000}}},
		/* job 1 has node 0; job 2 lacks 2 cores there, 1 on node 1: takes that */
		{
			{1, .submitted = 0, .groups = {{1, 0, {4000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {2000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}}
		},
		"wait 1 fragmented node cpu 4000/3000; wait 2 reserved pool cpu 2000/0; "
		"wait 3 reserved pool cpu 1000/0"
	},
	{
		"reserve: no more than the request is withheld", RESERVE, PM_PLACE_PACK,
		{{{8000, 0, 2000}, {0, 0, 1000}, .ngpus = 2, .gpu_used = {1000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {3000, 0, 2000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {5000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}}
		},
		"start 2 n0 x1; wait 1 resources pool gpu 2000/1000; wait 3 reserved pool cpu 1000/0"
	},
	{
		"reserve: devices in part use are withheld whole", RESERVE, PM_PLACE_PACK,
		{{{0, 0, 2000}, .ngpus = 2, .gpu_used = {500, 300}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {0, 0, 1000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {0, 0, 500}}}},
			{3, .submitted = 2, .groups = {{1, 0, {0, 0, 600}}}}
		},
		"start 2 n0 x1 d0@500; wait 1 resources pool gpu 1000/700; "
		"wait 3 reserved pool gpu 600/0"
	},
	{
		"reserve: replicas count together against a node's capacity", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {3000}}, {{2000}}},
		/* one replica each on nodes 0 and 1; node 2 could not hold one */
		{
			{1, .submitted = 0, .groups = {{2, 0, {3000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {2000}}}}
		},
		"start 2 n2 x1; wait 1 resources pool cpu 6000/5000; wait 3 reserved pool cpu 2000/1000"
	},
	{
		"reserve: what can never fit withholds nothing", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {5000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {3000}}}}
		},
		"start 2 n0 x1; wait 1 exceeds_max node cpu 5000/4000"
	},
	{
		"reserve: two blocked jobs withhold one after the other", RESERVE, PM_PLACE_PACK,
		{{{4000}, {2000}}, {{4000}, {2000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {4000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {4000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}}
		},
		"wait 1 fragmented node cpu 4000/2000; wait 2 fragmented node cpu 4000/2000; "
		"wait 3 reserved pool cpu 1000/0"
	}
};

/* order-001 and order-003: positions, overall and in each lane */
static void
positions(void)
{
	PmJob		jobs[] = {
		{4, 1, 0, 1, 50, false}, {2, 0, 0, 0, 50, false},
		{3, 1, 0, 1, 100, false}, {1, 0, 0, 0, 100, false}
	};

	pm_order_jobs(jobs, lengthof(jobs), PM_ORDER_PRIORITY);
	core_check(jobs[0].job_id == 1 && jobs[1].job_id == 3 &&
			   jobs[2].job_id == 2 && jobs[3].job_id == 4,
			   "order-001-positions: 1, 3, 2, 4");
	core_check(jobs[2].job_id == 2, "order-003-offset: third is 2");
	pm_order_jobs(jobs, 0, PM_ORDER_PRIORITY);
	pm_order_jobs(NULL, 0, PM_ORDER_PRIORITY);
}

/* Priority, restarted, then the score, or before it the time limit */
static void
scores(void)
{
	static const int by_score[] = {5, 6, 2, 4, 3, 1};
	static const int by_length[] = {5, 6, 3, 2, 4, 1};
	PmJob		jobs[] = {
		{1, 10, 0, 0, 1, false, 0, 60, 0}, {2, 30, 0, 0, 1, false, 0, 60, 900},
		{3, 20, 0, 0, 1, false, 0, 30, 100}, {4, 40, 0, 0, 1, false, 0, 60, 500},
		{5, 50, 0, 0, 2, false, 0, PM_NEVER, 0}, {6, 60, 0, 0, 1, true, 0, PM_NEVER, 0}
	};

	pm_order_jobs(jobs, lengthof(jobs), PM_ORDER_PRIORITY);
	for (int i = 0; i < lengthof(jobs); i++)
		core_check(jobs[i].job_id == by_score[i], "by score, place %d", i + 1);
	pm_order_jobs(jobs, lengthof(jobs), PM_ORDER_SHORTEST);
	for (int i = 0; i < lengthof(jobs); i++)
		core_check(jobs[i].job_id == by_length[i], "shortest first, place %d", i + 1);
	jobs[2].time_limit = PM_NEVER;
	pm_order_jobs(jobs, lengthof(jobs), PM_ORDER_SHORTEST);
	core_check(jobs[5].job_id == 3, "shortest first: no time limit comes last");
}

void
core_cases(void)
{
	for (int i = 0; i < lengthof(cases); i++)
	{
		core_fresh_memory();
		core_run_case(&cases[i]);
	}
	core_cap_cases();
	core_placement_cases();
	positions();
	scores();
}
