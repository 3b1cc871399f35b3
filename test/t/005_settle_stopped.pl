
# A settlement that is stopped in the middle, by a cancel or by a crash, leaves
# nothing half done; the next one does all of it, once.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('settle_stopped');
$node->init;
$node->append_conf('postgresql.conf', slurp_file($ENV{PM_TEST_CONF}))
  if $ENV{PM_TEST_CONF};
$node->append_conf('postgresql.conf', "search_path = 'pool_manager, public'\ntimezone = 'UTC'");
$node->start;

# Two tenants with more rows of usage than are rated at once, and a run
$node->safe_psql('postgres', q{
	CREATE EXTENSION pool_manager CASCADE;
	SET pool_manager.clock = '2026-03-01 00:00:00+00';
	SELECT create_tenant('acme', 'USD', 'UTC'), create_tenant('beta', 'USD', 'UTC'),
		create_sku('core', 'core'), create_flavor('node', 'cpu=4'), set_resource_sku('node', 'cpu=1', 'core'),
		create_pool('pub', 'public'), set_price('core', '0.5', '2026-01-01', currency => 'USD');
	SELECT add_nodes('pub', 'node');
	SELECT submit_job('pub', 'run', request => 'cpu=2', tenant => 'acme');
	SELECT count(*) FROM schedule();
	SET pool_manager.clock = '2026-03-02 00:00:00+00';
	SELECT count(*) FROM record_usages($$SELECT t AS tenant, 'core' AS sku, 1 AS quantity, 'meter' AS source, t || ' ' || i AS event_id,
		'2026-03-01 00:00:00+00'::timestamptz + i * interval '1 second' AS started_at,
		'2026-03-01 00:00:00+00'::timestamptz + (i + 60) * interval '1 second' AS ended_at
		FROM unnest('{acme,beta}'::text[]) AS t, generate_series(1, 55000) AS i$$);
});

sub state_of_books
{
	return $node->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM unrated), (SELECT count(*) FROM charge), (SELECT count(*) FROM booking),
			(SELECT count(*) FROM counter), (SELECT max(slice_no) FROM holding), (SELECT count(*) FROM reconcile())});
}

my $settle = q{SET pool_manager.clock = '2026-03-02 00:00:00+00'; SELECT settle('acme')};

# Waits until the settlement has begun to write
sub wait_for_writes
{
	for (1 .. 600)
	{
		return if $node->safe_psql('postgres', q{
			SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
			WHERE a.application_name = 'settling' AND l.relation = 'charge'::regclass AND l.mode = 'RowExclusiveLock'}) > 0;
		usleep(50_000);
	}
}

sub begin_settling
{
	local $ENV{PGAPPNAME} = 'settling';
	my $handle = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', $settle ],
		'<', \undef, '>', \my $out, '2>', \my $err);
	wait_for_writes();
	return ($handle, \$err);
}

my $before = state_of_books();
is($before, '110000|0|0|0|0|0', 'nothing is settled');

my ($settling, $said) = begin_settling();
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'settling'});
$settling->finish;
like($$said, qr/canceling statement due to user request/, 'a settlement is cancelled');
is(state_of_books(), $before, 'and has left nothing');

($settling, $said) = begin_settling();
$node->stop('immediate');
$settling->finish;
$node->start;
is(state_of_books(), $before, 'nor does one that a crash ends');

# 55,000 records of a minute, and 2 cores for a day: 916.666666666667 + 48 core-hours
is($node->safe_psql('postgres', $settle), '55001', 'the next one does all of it');
is($node->safe_psql('postgres', $settle), '0', 'once');
is( $node->safe_psql('postgres', q{SELECT units, trim_scale(amount) FROM counter}),
	55000 * 60 * 1000 + 2 * 86400 * 1000 . '|482.3333333333335',
	'units and amount are those of the usage');

# Of all tenants: who is done stays done
$node->safe_psql('postgres', q{SET pool_manager.clock = '2026-03-03 00:00:00+00'; CALL settle_all()});
is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE settled_until = '2026-03-03'), sum(unrated) FROM ledger_status}),
	'2|0', 'all tenants are settled');
is($node->safe_psql('postgres', 'SELECT * FROM reconcile()'), '', 'the books agree');

$node->stop;
done_testing();
