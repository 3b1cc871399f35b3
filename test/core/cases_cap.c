/*-------------------------------------------------------------------------
 *
 * cases_cap.c
 *	  Cases made by hand of quotas, caps and frozen lanes; see cases.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cases.h"
#include "engine/engine_internal.h"

static const Case cases[] = {
	/* Caps and frozen lanes */
	{
		"quota: what the cap of the lane does not allow waits, other lanes do not",
		TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {2000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {2000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}},
			{4, .submitted = 3, .lane = 1, .groups = {{1, 0, {4000}}}}
		},
		"start 1 n0 x1; start 3 n0 x1; start 4 n0 x1; wait 2 quota cpu 2000/0",
		.lanes = {{.upper = Q(103000, ANY, ANY), .held = Q(100000)}}
	},
	{
		"quota, fifo: the blocked job blocks its own lane", FIFO, PM_PLACE_PACK,
		{{{8000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {2000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {2000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}},
			{4, .submitted = 3, .lane = 1, .groups = {{1, 0, {4000}}}}
		},
		"start 1 n0 x1; start 4 n0 x1; wait 2 quota cpu 2000/1000; wait 3 behind_head",
		.lanes = {{.upper = Q(103000, ANY, ANY), .held = Q(100000)}}
	},
	{
		"quota: a partial gang is cut to what the cap allows", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{{1, .groups = {{6, 2, {1000}}}}},
		"start 1 n0 x3",
		.lanes = {{.upper = Q(103500, ANY, ANY), .held = Q(100000)}}
	},
	{
		"quota: but not below its minimum, and then nothing is taken", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{
			{1, .submitted = 0, .groups = {{6, 4, {1000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {3500}}}}
		},
		"start 2 n0 x1; wait 1 quota cpu 4000/0",
		.lanes = {{.upper = Q(103500, ANY, ANY), .held = Q(100000)}}
	},
	{
		"quota: what counts is what was placed, not what was asked for", TRAVERSAL, PM_PLACE_PACK,
		{{{2000}}, {{2000}, .taint = {5, 1}}},
		{
			{1, .submitted = 0, .groups = {{3, 1, {1000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}, .toleration = {5, 1}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}, .toleration = {5, 1}}
		},
		"start 1 n0 x2; start 2 n1 x1; wait 3 quota cpu 1000/0",
		.lanes = {{.upper = Q(103000, ANY, ANY), .held = Q(100000)}}
	},
	{
		"quota: the groups count together", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{{1, .groups = {{2, 0, {1000}}, {1, 0, {2000}}}}},
		"wait 1 quota cpu 4000/3500",
		.lanes = {{.upper = Q(103500, ANY, ANY), .held = Q(100000)}}
	},
	{
		"quota: minimum of both groups before more of either", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{{1, .groups = {{3, 1, {1000}}, {3, 1, {1000}}}}},
		"start 1 g0 n0 x2 g1 n0 x1",
		.lanes = {{.upper = Q(103000, ANY, ANY), .held = Q(100000)}}
	},
	{
		"quota: the dimension with the largest relative lack", TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 8 * GIB}}},
		/* lacking 1 of 4 cores and 3 of 4 GiB */
		{{1, .groups = {{1, 0, {4000, 4 * GIB}}}}},
		"wait 1 quota mem 4294967296/1073741824",
		.lanes = {{.upper = Q(103000, 9 * GIB, ANY), .held = Q(100000, 8 * GIB)}}
	},
	{
		"no_address: replicas come before dimensions", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{{1, .groups = {{4, 3, {1000}}}}},
		"wait 1 no_address pool replicas 3/2",
		.pool_cap = {true, 2, {0, ANY, ANY}}
	},
	{
		"quota: below zero is nothing, and stops only those who ask for it",
		TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 8000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {1000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {0, 1000}}}}
		},
		"start 2 n0 x1; wait 1 quota cpu 1000/0",
		.lanes = {{.upper = Q(99000, ANY, ANY), .held = Q(100000)}}
	},
	{
		"exceeds_max: a need beyond all numbers", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{{1, .groups = {{3, 0, {PG_INT64_MAX / 2}}}}},
		"wait 1 exceeds_max cpu 9223372036854775807/9223372036854775806",
		.lanes = {{.upper = Q(PM_CAP_NONE - 1, ANY, ANY)}}
	},
	{
		"quota: it is looked at before the nodes", TRAVERSAL, PM_PLACE_PACK,
		{{{1000}}},
		{{1, .groups = {{1, 0, {4000}}}}},
		"wait 1 quota cpu 4000/3000",
		.lanes = {{.upper = Q(103000, ANY, ANY), .held = Q(100000)}}
	},
	{
		"no_address: replicas of all lanes count together", TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{
			{1, .submitted = 0, .groups = {{2, 0, {1000}}}},
			{2, .submitted = 1, .lane = 1, .groups = {{2, 0, {1000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {1000}}}}
		},
		"start 1 n0 x2; start 3 n0 x1; wait 2 no_address pool replicas 2/0",
		.pool_cap = {true, 3, {ANY, ANY, ANY}}
	},
	{
		"bandwidth (mem in its place)", TRAVERSAL, PM_PLACE_PACK,
		{{{8000, 8000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {1000, 600}}}},
			{2, .submitted = 1, .lane = 1, .groups = {{2, 0, {1000, 300}}}}
		},
		"start 1 n0 x1; wait 2 bandwidth pool mem 600/500",
		.pool_cap = {true, ANY, {ANY, 1100, ANY}}
	},
	{
		"the cap of the lane is named before that of the pool; the smaller one cuts",
		TRAVERSAL, PM_PLACE_PACK,
		{{{8000}}},
		{
			{1, .submitted = 0, .groups = {{5, 1, {1000}}}},
			{2, .submitted = 1, .groups = {{3, 1, {1000}}}},
			{3, .submitted = 2, .lane = 1, .groups = {{3, 1, {1000}}}},
			{4, .submitted = 3, .lane = 1, .groups = {{1, 0, {1000}}}}
		},
		"start 1 n0 x2; start 3 n0 x2; wait 2 quota cpu 1000/0; "
		"wait 4 no_address pool replicas 1/0",
		.lanes = {{.upper = Q(102000, ANY, ANY), .held = Q(100000)}}, .pool_cap = {true, 4, {ANY, ANY, ANY}}
	},
	{
		"reserve: a job that a cap blocks withholds nothing", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {4000}}}},
			{2, .submitted = 1, .lane = 1, .groups = {{1, 0, {3000}}}}
		},
		"start 2 n0 x1; wait 1 quota cpu 4000/3000",
		.lanes = {{.upper = Q(103000, ANY, ANY), .held = Q(100000)}}
	},
	{
		"reserve: once the cap is used up, jobs behind withhold no more", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}, {{4000}, {1000}}, {{1000}, .label = {7, 1}}},
		/* job 1 keeps node 0; job 2 takes what the lane may still have; job 3,
		 * like job 1, would keep node 1, but could not start there */
		{
			{1, .submitted = 0, .groups = {{1, 0, {4000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}, .selector = {7, 1}},
			{3, .submitted = 2, .groups = {{1, 0, {4000}}}},
			{4, .submitted = 3, .lane = 1, .groups = {{1, 0, {3000}}}}
		},
		"start 2 n2 x1; start 4 n1 x1; wait 1 quota cpu 4000/3000; wait 3 quota cpu 4000/3000",
		.lanes = {{.upper = Q(104000, ANY, ANY), .held = Q(100000)}}
	},
	/* The tree of quotas; numbers of other schedulers' tests where named so */
	{
		"admit-001: a gang beyond what is left of the only quota", FIFO, PM_PLACE_PACK,
		{{{100000}}},
		{{1, .groups = {{11, 0, {1000}}}}},
		"wait 1 quota cpu 11000/10000",
		.lanes = {{0, Q(50000), .borrow = Q(0), .held = Q(40000)}}
	},
	{
		"admit-003: two lanes within their guarantees", FIFO, PM_PLACE_PACK,
		{{{200000}}},
		{
			{1, .submitted = 0, .lane = 1, .groups = {{40, 0, {1000}}}},
			{2, .submitted = 1, .lane = 2, .groups = {{40, 0, {1000}}}}
		},
		"start 1 n0 x40; start 2 n0 x40",
		.lanes = {{.borrow = Q(0)}, {1, Q(50000), .borrow = Q(50000)}, {1, Q(50000), .borrow = Q(10000)}}
	},
	{
		"admit-004: a lane borrows what is idle", FIFO, PM_PLACE_PACK,
		{{{200000}}},
		{{1, .lane = 1, .groups = {{51, 0, {1000}}}}},
		"start 1 n0 x51",
		.lanes = {{.borrow = Q(0)}, {1, Q(50000), .borrow = Q(50000)}, {1, Q(50000), .borrow = Q(10000)}}
	},
	{
		"admit-005: who would not borrow comes first", FIFO, PM_PLACE_PACK,
		{{{200000}}},
		{
			{1, .submitted = 1, .lane = 1, .groups = {{45, 0, {1000}}}},
			{2, .submitted = 0, .lane = 2, .groups = {{56, 0, {1000}}}}
		},
		"start 1 n0 x45; wait 2 quota parent cpu 56000/55000",
		.lanes = {{.borrow = Q(0)}, {1, Q(50000), .borrow = Q(50000)}, {1, Q(50000), .borrow = Q(10000)}}
	},
	{
		"admit-006: one borrows exactly what the other leaves", FIFO, PM_PLACE_PACK,
		{{{200000}}},
		{
			{1, .submitted = 0, .lane = 1, .groups = {{45, 0, {1000}}}},
			{2, .submitted = 1, .lane = 2, .groups = {{55, 0, {1000}}}}
		},
		"start 1 n0 x45; start 2 n0 x55",
		.lanes = {{.borrow = Q(0)}, {1, Q(50000), .borrow = Q(50000)}, {1, Q(50000), .borrow = Q(10000)}}
	},
	{
		"a borrow limit of its own", FIFO, PM_PLACE_PACK,
		{{{200000}}},
		{{1, .lane = 2, .groups = {{61, 0, {1000}}}}},
		"wait 1 exceeds_max cpu 61000/60000",
		.lanes = {{.borrow = Q(0)}, {1, Q(50000), .borrow = Q(50000)}, {1, Q(50000), .borrow = Q(10000)}}
	},
	{
		"admit-010: beyond what the whole branch has", TRAVERSAL, PM_PLACE_PACK,
		{{{100000, 200 * GIB}}},
		{{1, .lane = 1, .groups = {{1, 0, {1000, 85 * GIB}}}}},
		"wait 1 exceeds_max parent mem 91268055040/90194313216",
		.lanes = {{.borrow = Q(0)}, {1, Q(9000, 36 * GIB)}, {1, Q(12000, 48 * GIB)}}
	},
	{
		"admit-012: what a lender has lent and what it keeps", TRAVERSAL, PM_PLACE_PACK,
		{{{100000}}},
		{
			{1, .submitted = 0, .lane = 2, .groups = {{1, 0, {3000}}}},
			{2, .submitted = 1, .lane = 2, .groups = {{1, 0, {2000}}}},
			{3, .submitted = 2, .lane = 1, .groups = {{1, 0, {1000}}}},
			{4, .submitted = 3, .lane = 1, .groups = {{1, 0, {1000}}}}
		},
		"start 3 n0 x1; start 4 n0 x1; wait 1 quota parent cpu 3000/1000; "
		"wait 2 quota parent cpu 2000/1000",
		.lanes = {{.borrow = Q(0)}, {1, Q(3000), .lend = Q(2000)},
			{1, Q(2000), .lend = Q(2000), .held = Q(2000)}}
	},
	{
		"admit-017, 018: two borrowers fit together or not", FIFO, PM_PLACE_PACK,
		{{{100000}}},
		{
			{1, .priority = 3, .submitted = 1, .lane = 1, .groups = {{1, 0, {16000}}}},
			{2, .submitted = 0, .lane = 2, .groups = {{1, 0, {16000}}}},
			{3, .submitted = 2, .lane = 3, .groups = {{1, 0, {14000}}}}
		},
		"start 1 n0 x1; start 3 n0 x1; wait 2 quota parent cpu 16000/0",
		.lanes = {{.borrow = Q(0)}, {1, Q(10000), .borrow = Q(10000)},
			{1, Q(10000), .borrow = Q(10000)}, {1, Q(10000), .borrow = Q(10000)}}
	},
	{
		"admit-028: a branch that may not borrow", TRAVERSAL, PM_PLACE_PACK,
		{{{100000}}},
		{
			{1, .submitted = 1, .lane = 3, .groups = {{1, 0, {500}}}},
			{2, .submitted = 2, .lane = 3, .groups = {{1, 0, {500}}}},
			{3, .submitted = 3, .lane = 3, .groups = {{1, 0, {500}}}}
		},
		"start 1 n0 x1; start 2 n0 x1; wait 3 quota parent cpu 500/0",
		.lanes = {{.borrow = Q(0)}, {1, .borrow = Q(0)}, {1, Q(1000)}, {2, Q(1000)}}
	},
	{
		"admit-030: below its guarantee before the borrower, though newer", TRAVERSAL, PM_PLACE_PACK,
		{{{2000}}},
		{
			{1, .submitted = 0, .lane = 2, .groups = {{1, 0, {1000}}}},
			{2, .submitted = 1, .lane = 1, .groups = {{1, 0, {2000}}}}
		},
		"start 2 n0 x1; wait 1 quota parent cpu 1000/0",
		.lanes = {{.borrow = Q(0)}, {1, Q(2000)}, {1, Q(0)}}
	},
	{
		"fair-006: two lanes with half each", TRAVERSAL, PM_PLACE_PACK,
		{{{1000, 0, 4000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {0, 0, 1000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {0, 0, 1000}}}},
			{3, .submitted = 2, .groups = {{1, 0, {0, 0, 1000}}}},
			{4, .submitted = 10, .lane = 1, .groups = {{1, 0, {0, 0, 1000}}}},
			{5, .submitted = 11, .lane = 1, .groups = {{1, 0, {0, 0, 1000}}}},
			{6, .submitted = 12, .lane = 1, .groups = {{1, 0, {0, 0, 1000}}}}
		},
		"start 1 n0 x1; start 2 n0 x1; start 4 n0 x1; start 5 n0 x1; "
		"wait 3 resources pool gpu 1000/0; wait 6 resources pool gpu 1000/0",
		.lanes = {{0, Q(0, 0, 2000)}, {0, Q(0, 0, 2000)}}
	},
	{
		"admit-032: an upper quota", TRAVERSAL, PM_PLACE_PACK,
		{{{1000, 0, 4000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {0, 0, 2000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {0, 0, 2000}}}}
		},
		"start 1 n0 x1; wait 2 quota gpu 2000/0",
		.lanes = {{0, Q(0, 0, 1000), .upper = Q(0, 0, 2000)}}
	},
	{
		"admit-033: the upper quota of the lane above", TRAVERSAL, PM_PLACE_PACK,
		{{{1000, 0, 4000}}},
		{
			{1, .submitted = 0, .lane = 1, .groups = {{1, 0, {0, 0, 2000}}}},
			{2, .submitted = 1, .lane = 2, .groups = {{1, 0, {0, 0, 2000}}}}
		},
		"start 1 n0 x1; wait 2 quota parent gpu 2000/0",
		.lanes = {{0, Q(0, 0, 1000), .upper = Q(0, 0, 2000)}, {1, Q(0, 0, 1000)}, {1, Q(0, 0, 1000)}}
	},
	{
		"upper of the lane above holds for what is kept at home too", TRAVERSAL, PM_PLACE_PACK,
		{{{100000}}},
		{{1, .lane = 1, .groups = {{5, 1, {1000}}}}},
		"start 1 n0 x3",
		.lanes = {{.upper = Q(5000), .held = Q(2000)}, {1, Q(4000), .lend = Q(0)}}
	},
	{
		"nothing lent: what is idle there is for nobody else", TRAVERSAL, PM_PLACE_PACK,
		{{{10000}}},
		{
			{1, .submitted = 0, .lane = 1, .groups = {{8, 1, {1000}}}},
			{2, .submitted = 1, .lane = 2, .groups = {{1, 0, {1000}}}},
			{3, .submitted = 2, .groups = {{4, 0, {1000}}}}
		},
		/* 6 of 10 are kept: 2 of them are in use on nodes that take nothing now */
		"start 3 n0 x4; start 1 n0 x6; wait 2 quota pool cpu 1000/0",
		.lanes = {{0, Q(6000), .lend = Q(0), .held = Q(2000)}}
	},
	{
		"a frozen lane waits, whatever the policy, and stops no other", FIFO, PM_PLACE_PACK,
		{{{4000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {9000}}}},
			{2, .submitted = 1, .groups = {{1, 0, {1000}}}},
			{3, .submitted = 2, .lane = 1, .groups = {{1, 0, {1000}}}}
		},
		"start 3 n0 x1; wait 1 tenant_frozen; wait 2 tenant_frozen",
		.frozen = {true, false}
	},
	{
		"reserve: a frozen lane withholds nothing", RESERVE, PM_PLACE_PACK,
		{{{4000}, {1000}}},
		{
			{1, .submitted = 0, .groups = {{1, 0, {4000}}}},
			{2, .submitted = 1, .lane = 1, .groups = {{1, 0, {3000}}}}
		},
		"start 2 n0 x1; wait 1 tenant_frozen",
		.frozen = {true, false}
	},
};

/*
 * Who could take back from whom: lanes 1 and 2 are parts of lane 0; lane 3 and
 * lane 4, without quota, are beside it.  Lane 1 holds 3 of 1 that are its own,
 * its branch 3 of 4.
 */
static void
owes(void)
{
	int64		held[] = {0, 3000, 0, 5000};
	PmLane		lanes[] = {
		{1, -1, .borrow_limit = Q(9000), .held = &held[0]}, {2, 0, Q(1000), .held = &held[1]},
		{3, 0, Q(3000), .held = &held[2]}, {4, -1, Q(2000), .held = &held[3]}, {5, -1}
	};
	PmCluster	cluster = {.ndims = 1};
	PmQueue		queue = {.nlanes = lengthof(lanes), .lanes = lanes};
	PmQuota    *quota = pm_quota_create(&cluster, &queue);

	core_check(pm_lane_owes(quota, 1, 2, 0), "owes: beyond its own, to the other part");
	core_check(!pm_lane_owes(quota, 2, 1, 0), "owes: nothing held");
	core_check(!pm_lane_owes(quota, 1, 3, 0), "owes: its branch is within what is its own");
	core_check(pm_lane_owes(quota, 3, 1, 0), "owes: to a part of another branch");
	core_check(pm_lane_owes(quota, 4, 3, 0), "owes: without quota all is borrowed");
	core_check(!pm_lane_owes(quota, 3, 3, 0), "owes: nothing to itself");
	pm_lane_take(quota, 1, 0, 2000);
	core_check(pm_lane_owes(quota, 1, 3, 0), "owes: now the branch has borrowed too");
	pm_lane_take(quota, 3, 0, -3000);
	core_check(!pm_lane_owes(quota, 3, 1, 0), "owes: given back");
	core_check(pm_lane_of(&queue, 4) == 3 && pm_lane_of(&queue, 9) == -1, "lanes by sub-pool");
}

void
core_cap_cases(void)
{
	for (int i = 0; i < lengthof(cases); i++)
	{
		core_fresh_memory();
		core_run_case(&cases[i]);
	}
	core_fresh_memory();
	owes();
}
