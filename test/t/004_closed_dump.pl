
# A dump with closed periods, issued bills and all kinds of usage loads, row by
# row too; what was closed stays closed, what is held goes on, and the next bill
# is the same as in the original.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('closed_dump');
$node->init;
$node->append_conf('postgresql.conf', slurp_file($ENV{PM_TEST_CONF}))
  if $ENV{PM_TEST_CONF};
$node->append_conf('postgresql.conf', "search_path = 'pool_manager, public'\ntimezone = 'UTC'");
$node->start;

# Two months closed, with corrections, an adjustment and rounding; a third begun
$node->safe_psql('postgres', 'CREATE DATABASE original');
$node->safe_psql('original', q{
	CREATE EXTENSION pool_manager CASCADE;
	SET pool_manager.clock = '2026-02-27 09:00:00+00';
	INSERT INTO currency VALUES ('PTS', 1);
	SELECT create_tenant('acme', 'USD', 'Asia/Shanghai'), create_tenant('beta', 'PTS', 'UTC', rounding => 'cut');
	SELECT create_sku('core', 'core'), create_flavor('node', 'cpu=4'), set_resource_sku('node', 'cpu=1', 'core'),
		create_pool('pub', 'public');
	SELECT set_price('core', '{"model":"graduated","tiers":[{"up_to":"10","unit_price":"0.5"},{"up_to":null,"unit_price":"0.4"}]}',
		'2026-01-01', currency => c) FROM unnest('{USD,PTS}'::text[]) AS c;
	SELECT add_nodes('pub', 'node');
	SELECT submit_job('pub', t, request => 'cpu=2', tenant => t) FROM unnest('{acme,beta}'::text[]) AS t;
	SELECT count(*) FROM schedule();
	SET pool_manager.clock = '2026-03-01 00:00:01+00';
	SELECT issue_bill('acme', '2026-02-01'), issue_bill('beta', '2026-02-01');
	SELECT record_usage('acme', 'core', 3, '2026-02-28 09:00:00+00', '2026-02-28 09:00:07+00', 'meter', 'late');
	-- never rated: one before the bill of March, one that is dumped as it waits
	SELECT record_usage('beta', 'core', 1, '2025-02-10', '2025-02-11', source => 'meter', event_id => 'slip');
	SELECT correct_usage((SELECT usage_id FROM usage WHERE event_id = 'slip'), 'a slip', 0);
	SELECT adjust('acme', -0.125, 'credit', corrects => (SELECT min(charge_id) FROM charge));
	SET pool_manager.clock = '2026-04-01 00:00:01+00';
	SELECT issue_bill('acme', '2026-03-01', request_id => 'march'), issue_bill('beta', '2026-03-01');
	SELECT settle('acme');
	SELECT record_usage('acme', 'core', 1, '2025-02-10', '2025-02-11', source => 'meter', event_id => 'slip again');
	SELECT correct_usage((SELECT usage_id FROM usage WHERE event_id = 'slip again'), 'a slip', 0);
	-- a contract for another time, then one like the first: each by itself would seem to be broken when rows come one by one
	SELECT set_contract('beta', '2026-05-01', 'USD', 'Asia/Tokyo'), set_contract('beta', '2026-06-01', 'PTS', 'UTC', rounding => 'cut');
});
# A tenant that uses all that is billed: nodes with disks, addresses of nodes, of
# replicas and reserved, bandwidth, a volume, runs with a minimum, what is metered
# elsewhere; corrected and at other prices, in closed months and open ones
$node->safe_psql('original', q{
	SET pool_manager.clock = '2026-04-01 00:00:01+00';
	SELECT create_tenant('gamma', 'USD', 'Europe/Berlin'), create_workspace('gamma', 'lab');
	SELECT create_sku(s, 'unit'), set_price(s, '0.123', '2026-01-01', currency => 'USD') FROM unnest('{vm,disk,ip,mbit,gib}'::text[]) AS s;
	SELECT create_sku('slot', 'slot'), set_price('slot', '0.7', '2026-01-01', currency => 'USD', minimum_seconds => 60, quantum_seconds => 900),
		create_flavor('big', 'cpu=8', 'vm'), create_flavor('slot', 'cpu=1', 'slot'), create_volume_type('SSD', 'disk', 1, 100),
		create_network('net', '10.0.0.0/24', 'gamma', bandwidth => 100, bandwidth_sku => 'mbit', address_sku => 'ip'),
		create_pool('own', 'dedicated', 'gamma', 'net', container_network => 'eni'), create_pool('more', 'public');
	SELECT attach_file_system('net', 'files'), reserve_address('net', 'vip'),
		create_node_group('own', 'big', disk_count => 1, disk_gib => 20, disk_type => 'SSD');
	SELECT add_nodes('own', 'big', 2), add_nodes('more', 'node', 2);
	SELECT submit_job('own', 'eni', 'inference', request => 'cpu=1', replicas => 3, min_replicas => 1),
		submit_job('more', 'notes', 'notebook', 'slot', tenant => 'gamma', volume_type => 'SSD', volume_gib => 5),
		submit_job('more', 'web', 'inference', 'slot', replicas => 3, min_replicas => 1, tenant => 'gamma'),
		submit_job('more', 'short', flavor => 'slot', tenant => 'gamma');
	SELECT count(*) FROM schedule();
	SET pool_manager.clock = '2026-04-01 00:07:31.5+00';
	SELECT finish_job(job_id) FROM job WHERE name = 'short';
	SELECT record_usage('gamma', 'gib', 3, '2026-02-27', '2026-04-01', 'files', 'h1'), settle('gamma');
	SELECT issue_bill('gamma', '2026-02-01');
	SELECT correct_usage(usage_id, 'less', 2.5) FROM usage WHERE source = 'files' AND slice_no = 1;
	SELECT set_price('gib', '0.2', '2026-02-28 07:00:00+00', currency => 'USD', reprice => 'agreed');
	SELECT issue_bill('gamma', '2026-03-01');
	SET pool_manager.clock = '2026-04-01 05:00:00+00';
	SELECT scale_job(job_id, 1) FROM job WHERE name IN ('eni', 'web');
	SELECT stop_job(job_id) FROM job WHERE name = 'notes';
	SELECT set_pool_workspace('own', 'lab'), set_network_bandwidth('net', 50), set_address_sku('net'),
		set_node_group('own', 'big', disk_count => 0), replace_node(min(node_id)) FROM node JOIN pool USING (pool_id) WHERE pool.name = 'own';
	SELECT settle('gamma');
	SELECT correct_usage(min(usage_id), 'a test', 0) FROM usage WHERE node_id IS NOT NULL;
});
is($node->safe_psql('original', q{
	SELECT count(DISTINCT run_id) > 2, count(run_seconds) > 0, count(DISTINCT node_id) > 1, count(volume_id) > 0, count(network_id) > 0,
		bool_or(source = 'files'), bool_or(source = 'correction'), count(corrects) > 1, (SELECT count(DISTINCT kind) FROM booking)
	FROM usage JOIN tenant USING (tenant_id) WHERE name = 'gamma'}), 't|t|t|t|t|t|t|t|3', 'all that is billed was used');
is($node->safe_psql('original', q{SELECT string_agg(DISTINCT kind::text, ' ' ORDER BY kind::text) FROM bill_line}),
	'adjustment correction rounding usage', 'there are lines of all kinds');

# History that has left is dumped with the rest, or apart
$node->safe_psql('original', q{
	CREATE SCHEMA history;
	CREATE TABLE history.charge (LIKE pool_manager.charge);
	CREATE TABLE history.usage (LIKE pool_manager.usage);
	CALL archive('2026-03-01', 'history', 1);
});
is($node->safe_psql('original', q{SELECT (SELECT count(*) > 0 FROM history.charge), (SELECT count(*) > 0 FROM history.usage),
	(SELECT count(*) FROM reconcile())}), 't|t|0', 'history has left');

sub content
{
	my ($db) = @_;
	my $query = join(' UNION ALL ', map { "SELECT '$_', x::text FROM $_ AS x" }
		  qw(currency contract ledger billing_period booking counter charge bill bill_line usage unrated holding price node node_load
			network_address volume job_run allocation event history.charge history.usage));
	return $node->safe_psql($db, "$query ORDER BY 1, 2");
}

# What is held is given back, used otherwise, frozen, or goes on
sub live_on
{
	my ($db) = @_;
	return $node->safe_psql($db, q{
		SET search_path = pool_manager, public;
		SET pool_manager.clock = '2026-04-11 10:20:30.4+00';
		SELECT finish_job(job_id) FROM job WHERE name = 'web';
		SELECT resume_job(job_id) FROM job WHERE name = 'notes';
		SELECT scale_job(job_id, 2) FROM job WHERE name = 'eni';
		SELECT release_address('net', 'vip'), set_network_bandwidth('net', 70);
		SELECT replace_node(max(node_id)) FROM node JOIN pool USING (pool_id) WHERE pool.name = 'own' AND node.deleted_at IS NULL;
		SELECT count(*) FROM schedule();
		SET pool_manager.clock = '2026-04-12 00:00:00+00';
		SELECT set_tenant_state('gamma', 'frozen'), settle('gamma');
		SET pool_manager.clock = '2026-04-13 00:00:00+00';
		SELECT set_tenant_state('gamma', 'active');
		SELECT recorded FROM record_usage('gamma', 'gib', 3, '2026-02-27', '2026-04-01', 'files', 'h1');
		SELECT usage_id > 0, recorded FROM record_usage('gamma', 'gib', 1, '2026-03-27', '2026-04-02', 'files', 'h2');
		SELECT set_price('vm', '0.2', '2026-04-01 02:00:00+00', currency => 'USD', reprice => 'agreed');
		SET pool_manager.clock = '2026-05-01 00:00:01+00';
		SELECT issue_bill('gamma', '2026-04-01');
		SELECT s.name, quantity, since, metered_until, slice_no FROM holding JOIN sku s USING (sku_id) ORDER BY tenant_id, holding_id;
	});
}

# What happens next, and what is refused
sub go_on
{
	my ($db) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', q{
		SET pool_manager.clock = '2026-05-01 00:00:01+00';
		SELECT issue_bill('acme', '2026-03-01');
		INSERT INTO booking SELECT (b).* FROM (SELECT b FROM booking b ORDER BY booking_id LIMIT 1) AS s;
		INSERT INTO booking (tenant_id, period_start, kind, currency, charges, units, amount, booked_at, booked_by)
			SELECT tenant_id, period_start, kind, currency, charges, units, amount, booked_at, booked_by FROM booking ORDER BY booking_id LIMIT 1;
		INSERT INTO charge (tenant_id, period_start, booking_id, kind, month_start, started_at, ended_at, currency, amount, description)
			SELECT tenant_id, period_start, booking_id, 'tax', period_start, period_start, period_start, currency, 1, 'tax'
			FROM booking ORDER BY booking_id LIMIT 1;
		INSERT INTO bill_line SELECT tenant_id, bill_id, lines + 1, 'rounding', period_start, NULL, NULL, NULL, NULL, 0, NULL, NULL, 1, NULL
			FROM bill ORDER BY bill_id LIMIT 1;
		SELECT issue_bill('acme', '2026-03-01', request_id => 'march');
		SELECT issue_bill('acme', '2026-04-01'), issue_bill('beta', '2026-04-01');
		SELECT bill_text(bill_id) FROM bill ORDER BY bill_id;
		SELECT * FROM bill_detail AS d ORDER BY d::text;
		CALL archive('2026-05-01', 'history');
		SELECT count(*) AS here, (SELECT count(*) FROM history.charge) AS archived FROM charge;
		SELECT * FROM reconcile();
	}, connstr => $node->connstr($db) . q{ options='-c search_path=pool_manager,public'}, on_error_stop => 0);
	$err =~ s/^psql:<stdin>:\d+: //mg;
	return "$out\n$err";
}

my $original = content('original');
my @restored;
foreach my $way ([ 'plain', 'plain' ], [ 'inserts', 'plain', '--inserts' ], [ 'custom', 'custom' ])
{
	my ($name, $format, @options) = @$way;
	my $file = $node->basedir . "/$name.dump";
	$node->command_ok([ 'pg_dump', '-F', $format, @options, '-f', $file, 'original' ], "pg_dump, $name");
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->command_ok(
		$format eq 'custom'
		? [ 'pg_restore', '--exit-on-error', '-d', $name, $file ]
		: [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $name, '-f', $file ],
		"it loads, $name");
	is(content($name), $original, "$name: every row is back");
	is($node->safe_psql($name, 'SELECT * FROM reconcile()'), '', "$name: the books agree");
	push @restored, $name;
}
my $life = live_on('original');
like($life, qr/^f\nf\nf\n.*^t\|t\nt\|t\n/ms, 'an event that was recorded before is known');
my $next = go_on('original');
like($next, qr/2026-03 of tenant "acme" is closed/, 'a closed month is closed');
like($next, qr/violates unique constraint "booking_pkey"/, 'a booking that was there');
like($next, qr/the period of booking \d+ is closed/, 'a booking more');
like($next, qr/the period of charge \d+ is closed/, 'a charge more');
like($next, qr/bill 1 has no line/, 'a line more');
like($next, qr/Month     2026-04/, 'the next month is billed');
foreach my $name (@restored)
{
	is(live_on($name), $life, "$name: what is held goes on as in the original");
	is(go_on($name), $next, "$name: it goes on as the original does");
	is($node->safe_psql($name, 'SELECT * FROM reconcile()'), '', "$name: the books still agree");
}

$node->stop;
done_testing();
