
# The books agree after a crash in the middle of concurrent work; a dump brings
# back every row, sequence and price; DROP EXTENSION leaves nothing behind.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('crash_dump');
$node->init;
$node->append_conf('postgresql.conf', slurp_file($ENV{PM_TEST_CONF}))
  if $ENV{PM_TEST_CONF};
$node->append_conf('postgresql.conf', "search_path = 'pool_manager, public'\ntimezone = 'UTC'");
$node->start;

# Two tenants in a public pool that is too small for them, a dedicated pool
my $world = q{
	CREATE EXTENSION pool_manager CASCADE;
	SELECT create_tenant('acme', 'USD', 'Asia/Shanghai'), create_tenant('beta', 'EUR', 'UTC');
	SELECT create_sku('gpu', 'GPU'), create_sku('core', 'core'), create_sku('node', 'node');
	SELECT create_flavor('gpu4', 'cpu=16,nvidia.com/gpu=4', 'node', 'nvidia.com/gpu');
	SELECT set_resource_sku('gpu4', 'cpu=1', 'core'), set_resource_sku('gpu4', 'nvidia.com/gpu=1', 'gpu');
	SELECT create_network('net', '10.0.0.0/16', 'acme');
	SELECT create_pool('pub', 'public', queue_policy => 'traversal');
	SELECT create_pool('ded', 'dedicated', tenant => 'acme', network => 'net');
	SELECT count(*) FROM add_nodes('pub', 'gpu4', 6);
	SELECT count(*) FROM add_nodes('ded', 'gpu4', 2);
};

# What does not agree, one row each.  Written from the tables' comments, not
# from the triggers.
my $disagreements = q{
	WITH load AS (
		SELECT l.node_id, l.allocated, l.devices,
			coalesce((SELECT sum(a.allocated) FROM allocation a
				WHERE a.node_id = l.node_id AND a.released_at IS NULL), '') AS held,
			ARRAY(SELECT coalesce((SELECT sum(a.device_share) FROM allocation a, unnest(a.devices) AS d
					WHERE a.node_id = l.node_id AND a.released_at IS NULL AND d = n - 1), 0)::integer
				FROM generate_series(1, cardinality(l.devices)) AS n ORDER BY n) AS devices_held
		FROM node_load l),
	life AS (
		SELECT j.job_id, j.pool_kind, j.end_state,
			(SELECT count(*) FROM job_queue q WHERE q.job_id = j.job_id) AS waiting,
			(SELECT count(*) FROM job_run r WHERE r.job_id = j.job_id AND r.ended_at IS NULL) AS live,
			(SELECT to_state FROM event e WHERE e.job_id = j.job_id ORDER BY event_id DESC LIMIT 1) AS last_event,
			(SELECT s.state::text FROM job_status s WHERE s.job_id = j.job_id) AS state
		FROM job j),
	metered AS (
		SELECT r.run_id, r.ended_at IS NOT NULL AS ended, r.started_at IS NOT NULL AS started,
			extract(epoch FROM date_trunc('second', r.ended_at) - date_trunc('second', r.started_at)) AS seconds,
			(SELECT coalesce(sum(quantity(g.request, 'cpu') * 1000 * a.replicas), 0) FROM allocation a JOIN task_group g
				ON g.shape_id = j.shape_id AND g.group_no = a.group_no WHERE a.run_id = r.run_id) AS cores,
			(SELECT coalesce(sum(u.quantity * extract(epoch FROM u.ended_at - u.started_at)), 0) FROM usage u JOIN sku USING (sku_id)
				WHERE u.run_id = r.run_id AND sku.name = 'core') AS used,
			(SELECT coalesce(sum(h.quantity), 0) FROM holding h JOIN sku USING (sku_id)
				WHERE h.run_id = r.run_id AND sku.name = 'core') AS holding
		FROM job_run r JOIN job j USING (job_id) WHERE j.pool_kind = 'public')
	SELECT 'load of node ' || node_id FROM load WHERE allocated <> held OR devices <> devices_held
	UNION ALL SELECT 'replicas of run ' || run_id FROM job_run r, unnest(r.replicas) WITH ORDINALITY AS g(n, group_no)
		WHERE CASE WHEN ended_at IS NULL THEN n ELSE 0 END <> (SELECT coalesce(sum(a.replicas), 0) FROM allocation a
			WHERE a.run_id = r.run_id AND a.group_no = g.group_no AND a.released_at IS NULL)
	UNION ALL SELECT 'states of job ' || job_id FROM life WHERE waiting + live + (end_state IS NOT NULL)::integer <> 1
	UNION ALL SELECT 'events of job ' || job_id FROM life WHERE last_event <> state
	UNION ALL SELECT 'usage of run ' || run_id FROM metered WHERE used <> CASE WHEN ended THEN cores * seconds ELSE 0 END
	UNION ALL SELECT 'holding of run ' || run_id FROM metered WHERE holding <> CASE WHEN started AND NOT ended THEN cores ELSE 0 END
	UNION ALL SELECT 'usage ' || usage_id FROM usage WHERE NOT EXISTS (
		SELECT FROM unrated u WHERE u.tenant_id = usage.tenant_id AND u.usage_id = usage.usage_id)
	UNION ALL SELECT 'node ' || node_id FROM node JOIN pool USING (pool_id) WHERE (kind = 'dedicated') <> EXISTS (
		SELECT FROM holding h WHERE h.node_id = node.node_id)
	UNION ALL SELECT 'pool ' || pool_id FROM job_run JOIN pool_clock USING (pool_id)
		WHERE greatest(placed_at, started_at, ended_at) > last_instant
};

# ---- crash ----

$node->safe_psql('postgres', $world);

my $scripts = $node->basedir;
my %script = (
	submit => q{\set kind random(1, 3)
SELECT pool_manager.submit_job(CASE WHEN :kind = 3 THEN 'ded' ELSE 'pub' END, 'load',
	request => CASE WHEN random() < 0.5 THEN 'cpu=1,nvidia.com/gpu=0.5' ELSE 'cpu=2,nvidia.com/gpu=2' END::pool_manager.resource_list,
	replicas => 1 + (2 * random())::integer, min_replicas => 1, tenant => CASE WHEN :kind = 2 THEN 'beta' ELSE 'acme' END);
},
	schedule => q{SELECT count(*) FROM pool_manager.schedule();
},
	finish => q{DO $$
DECLARE
	job bigint := (SELECT job_id FROM pool_manager.job_run WHERE ended_at IS NULL ORDER BY random() LIMIT 1);
BEGIN
	IF job IS NOT NULL THEN PERFORM pool_manager.finish_job(job); END IF;
EXCEPTION WHEN SQLSTATE 'PM002' THEN
	NULL;	-- another client was first
END $$;
},
	cancel => q{DO $$
DECLARE
	job bigint := (SELECT job_id FROM pool_manager.job_queue ORDER BY random() LIMIT 1);
BEGIN
	IF job IS NOT NULL THEN PERFORM pool_manager.cancel_job(job); END IF;
EXCEPTION WHEN SQLSTATE 'PM002' THEN
	NULL;	-- it has ended meanwhile
END $$;
});
foreach my $name (keys %script)
{
	append_to_file("$scripts/$name.sql", $script{$name});
}

# Starts the load, waits until it has done much, then stops the server hard
sub crash_under_load
{
	my ($what, $stop) = @_;
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM job_run WHERE ended_at IS NOT NULL');
	my ($out, $err) = ('', '');
	my $load = IPC::Run::start(
		[
			'pgbench', '-n', '-c', '6', '-j', '2', '-T', '120',
			'-f', "$scripts/submit.sql\@6", '-f', "$scripts/schedule.sql\@2",
			'-f', "$scripts/finish.sql\@4", '-f', "$scripts/cancel.sql\@1",
			$node->connstr('postgres')
		],
		'>', \$out, '2>', \$err);
	ok($node->poll_query_until(
			'postgres', "SELECT count(*) > $before + 60 FROM job_run WHERE ended_at IS NOT NULL"),
		"$what: runs have ended");
	$stop->();
	$load->finish;
	unlike($err, qr/deadlock|contradict|would differ|violates/, "$what: nobody was refused before");
	# children of a killed postmaster may take a moment to notice
	foreach my $try (1 .. 300)
	{
		last if $node->start(fail_ok => 1);
		usleep(100_000);
		$node->stop('fast', fail_ok => 1);
	}
	is($node->safe_psql('postgres', $disagreements), '', "$what: the books agree");
	return;
}

crash_under_load('immediate stop', sub { $node->stop('immediate') });
crash_under_load('kill -9', sub { $node->kill9 });

# a backend alone: the postmaster restarts them all
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->reload;
crash_under_load(
	'kill -9 of a backend',
	sub {
		kill('KILL', $node->safe_psql('postgres', q{SELECT min(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()}));
		# the load ends by itself, its connections are gone
		$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'});
		$node->stop('fast');
	});

$node->safe_psql('postgres', 'SELECT count(*) FROM schedule()');
is($node->safe_psql('postgres', $disagreements), '', 'a pass after it: the books agree');

# ---- dump ----

# By the virtual clock, so that two databases can go on alike
$node->safe_psql('postgres', 'CREATE DATABASE original');
$node->safe_psql('original', "SET pool_manager.clock = '2026-01-20 09:00:00.25+00'; $world" . q{
	SELECT set_price('gpu', '0.60', '2026-01-01', currency => 'USD'),
		set_price('gpu', '{"model":"graduated","tiers":[{"up_to":"10","unit_price":"0.5"},{"up_to":null,"unit_price":"0.4"}]}',
			'2026-02-10', tenant => 'acme'),
		set_price('core', '0.05', '2026-01-01', currency => 'USD'),
		set_price('core', '0.04', '2026-01-01', currency => 'EUR'),
		set_price('node', '7', '2026-01-01', currency => 'USD'),
		set_price('node', '8', '2026-02-15', currency => 'USD');
	SELECT create_workspace('acme', 'research');
	SELECT grant_tenant('acme', 'postgres', 'member');
	SELECT create_pool('agents', 'public', launch => 'agent', default_time_limit => '100 days');
	SELECT set_job_order('agents', fair_weight => 100, age_weight => 1), set_fair_share('agents', 'acme', 3);
	SELECT count(*) FROM add_nodes('agents', 'gpu4', 1, labels => '{"zone": "a"}', taints => '[{"key": "test"}]');
	SELECT count(*) FROM (SELECT submit_job('pub', 'p' || i, request => 'cpu=1,nvidia.com/gpu=0.46', replicas => 1 + i % 3,
		tenant => CASE i % 2 WHEN 0 THEN 'acme' ELSE 'beta' END, request_id => 'r' || i) FROM generate_series(1, 30) AS i) AS s;
	SELECT submit_job('ded', 'd', flavor => 'gpu4', tenant => 'acme', priority => 2, workspace => 'research', time_limit => '400 days');
	SELECT count(*) FROM (SELECT submit_job('agents', 'a' || i, request => 'cpu=2', tenant => 'acme', tolerations => '[{"key": "test"}]')
		FROM generate_series(1, 4) AS i) AS s;
	SELECT count(*) FROM schedule();
	SET pool_manager.clock = '2026-01-20 10:00:00.5+00';
	SELECT start_job(job_id) FROM job WHERE name IN ('a1', 'a2', 'a3');
	SET pool_manager.clock = '2026-02-20 10:00:00.75+00';
	SELECT cancel_job(job_id) FROM job WHERE name IN ('a2', 'p3');
	SELECT finish_job(job_id) FROM job WHERE name IN ('p1', 'p2', 'a3');
	SELECT submit_job('pub', 'large', request => 'cpu=16,nvidia.com/gpu=4', replicas => 6, tenant => 'beta');
	SELECT submit_job('pub', 'held', request => 'cpu=1', tenant => 'acme');
	SELECT hold_job(job_id) FROM job WHERE name = 'held';
	SELECT count(*) FROM schedule();
	SELECT submit_job('pub', 'late', request => 'cpu=1,nvidia.com/gpu=1', tenant => 'acme');
});
is($node->safe_psql('original', q{SELECT string_agg(DISTINCT state::text, ' ' ORDER BY state::text) FROM job_status}),
	'cancelled completed held queued running starting stopping', 'jobs of all states are there');
is($node->safe_psql('original', 'SELECT max(slice_no) > 1 FROM usage'), 't', 'usage over a month\'s edge is there');

# Every row of every table, and every sequence, as text
# All but the lock of prices, which comes with the extension
sub content
{
	my ($db) = @_;
	my $tables = $node->safe_psql($db, q{
		SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'pool_manager' AND c.relkind IN ('r', 'S') AND c.relname <> 'price_book' ORDER BY 1});
	my $query = join(' UNION ALL ',
		map { /_seq$/ ? "SELECT '$_', last_value || ' ' || is_called FROM $_" : "SELECT '$_', x::text FROM $_ AS x" }
		  split(/\n/, $tables));
	return $node->safe_psql($db, "$query ORDER BY 1, 2");
}

# What happens next is the same in both; returns what it comes to
sub go_on
{
	my ($db) = @_;
	return $node->safe_psql($db, q{
		SET pool_manager.clock = '2026-03-02 12:34:56.789+00';
		SELECT finish_job(job_id) FROM job_status WHERE state IN ('running', 'stopping') AND job IN ('p4', 'p5', 'a1', 'a2', 'd') ORDER BY job_id;
		SELECT start_job(job_id) FROM job_status WHERE state = 'starting' ORDER BY job_id;
		SELECT release_job(job_id) FROM job WHERE name = 'held';
		SELECT submit_job('pub', 'p8', request => 'cpu=1,nvidia.com/gpu=0.46', replicas => 3, tenant => 'acme', request_id => 'r8');
		SELECT submit_job('ded', 'new', request => 'nvidia.com/gpu=1', tenant => 'acme');
		SELECT * FROM schedule();
		SELECT add_nodes('pub', 'gpu4');
		SELECT * FROM schedule();
		SELECT * FROM queue;
		SELECT * FROM fair_share_status;
		SELECT * FROM job_status AS j ORDER BY j::text;
		SELECT * FROM node_status AS n ORDER BY n::text;
		SELECT * FROM running_cost AS r ORDER BY r::text;
		SELECT * FROM charges(NULL::bigint, '2026-01-01', '2026-04-01', '1 day');
	});
}

is($node->safe_psql('original', $disagreements), '', 'the original\'s books agree');
my $original = content('original');
cmp_ok(scalar(split(/\n/, $original)), '>', 300, 'there is much to dump');

my $dumps = $node->basedir;
my %dump = (
	plain => [ 'plain' ],
	inserts => [ 'plain', '--inserts' ],
	custom => [ 'custom' ]);
my @restored;
foreach my $way (sort keys %dump)
{
	my ($format, @options) = @{ $dump{$way} };
	my $file = "$dumps/$way.dump";
	$node->command_ok([ 'pg_dump', '-F', $format, @options, '-f', $file, 'original' ], "pg_dump, $way");
	$node->safe_psql('postgres', "CREATE DATABASE $way");
	if ($format eq 'custom')
	{
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $way, $file ], "pg_restore, $way");
	}
	else
	{
		$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $way, '-f', $file ], "psql, $way");
	}
	is(content($way), $original, "$way: every row and every sequence is back");
	is($node->safe_psql($way, $disagreements), '', "$way: the books agree");
	push @restored, $way;
}
my $next = go_on('original');
like($next, qr/2026-03-02/, 'the original goes on');
foreach my $way (@restored)
{
	is(go_on($way), $next, "$way: it goes on as the original does");
	is($node->safe_psql($way, $disagreements), '', "$way: its books agree then");
}

# A dump of the restored one is the same dump
foreach my $db ('original', 'plain')
{
	$node->command_ok([ 'pg_dump', '-F', 'plain', '--inserts', '-f', "$dumps/again_$db", $db ], "pg_dump of $db, again");
}
my ($one, $other) = map { join("\n", sort grep { !/^\\(un)?restrict/ } split(/\n/, slurp_file("$dumps/again_$_"))) } ('original', 'plain');
ok($one eq $other, 'dumps of the original and of what was restored are equal');

# ---- drop ----

# Objects of any kind that are not PostgreSQL's own or btree_gist's
my $objects = q{
	SELECT count(*) FROM (
		SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT oid FROM pg_proc WHERE oid >= 16384 AND oid NOT IN (SELECT objid FROM pg_depend WHERE deptype = 'e' AND classid = 'pg_proc'::regclass)
		UNION ALL SELECT oid FROM pg_proc WHERE probin LIKE '%pool_manager%'
		UNION ALL SELECT oid FROM pg_type WHERE oid >= 16384 AND oid NOT IN (SELECT objid FROM pg_depend WHERE deptype IN ('e', 'i') AND classid = 'pg_type'::regclass)
		UNION ALL SELECT oid FROM pg_policy UNION ALL SELECT oid FROM pg_trigger
		UNION ALL SELECT oid FROM pg_namespace WHERE nspname = 'pool_manager'
		UNION ALL SELECT oid FROM pg_default_acl) AS o
};
is( $node->safe_psql('plain', "DROP EXTENSION pool_manager; $objects"),
	'0', 'DROP EXTENSION leaves nothing');

# Who owns the schema could put functions into it that calls would run
my ($rc, $out, $err) = $node->psql('plain', 'CREATE SCHEMA pool_manager; CREATE EXTENSION pool_manager');
like($err, qr/schema "pool_manager" already exists/, 'a schema that somebody made before is not taken over');
$node->safe_psql('plain', 'DROP SCHEMA pool_manager');

# The same session: what was prepared for the old installation is not used
my $twice = q{
	SET client_min_messages = warning;
	SET pool_manager.clock = '2026-04-01 00:00:00+00';
} . "$world" . q{
	SELECT set_price('gpu', '1', '2026-01-01', currency => 'USD');
	SELECT submit_job('pub', 'x', request => 'cpu=1,nvidia.com/gpu=1', tenant => 'acme');
	SELECT submit_job('ded', 'y', request => 'cpu=1', tenant => 'acme');
	SELECT * FROM schedule();
	SELECT finish_job(1);
	SELECT count(*) FROM charges(NULL::bigint, '2026-03-01', '2026-05-01');
	SELECT count(*) FROM queue;
	DROP EXTENSION pool_manager;
};
my $once = $node->safe_psql('plain', $twice);
is($node->safe_psql('plain', "$twice $twice $twice"), "$once\n$once\n$once", 'created and dropped three times in one session');

$node->stop;
done_testing();
