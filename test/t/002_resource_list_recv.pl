
# Garbage through the binary input function of resource_list: mutated files of
# COPY BINARY either load or fail with an error of class 22 or 54; the server
# never crashes, and what loads is canonical.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $mutants = 300;
my $node = PostgreSQL::Test::Cluster->new('resource_list');
$node->init;
$node->append_conf('postgresql.conf', slurp_file($ENV{PM_TEST_CONF}))
  if $ENV{PM_TEST_CONF};
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pool_manager CASCADE');

my $dir = $node->data_dir;

# What COPY BINARY surrounds the values with
my $head = "PGCOPY\n\377\r\n\0" . pack('NN', 0, 0);
my $tail = pack('n', 0xffff);

# The binary form of entries (name, value), with what is to be wrong about it
sub message
{
	my ($entries, %wrong) = @_;
	my $version = $wrong{version} // 1;
	my $count = $wrong{count} // scalar(@$entries);
	my $body = '';

	foreach my $entry (@$entries)
	{
		my ($name, $value, $length) = @$entry;
		$body .= pack('n', $length // length($name)) . $name . pack('q>', $value);
	}
	return pack('CN', $version, $count) . $body . ($wrong{more} // '');
}

sub copy_file
{
	my ($name, $content) = @_;
	open(my $file, '>:raw', "$dir/$name") or die "$dir/$name: $!";
	print $file $content;
	close($file);
	return;
}

# A row of one value
sub row
{
	my ($message) = @_;
	return pack('nN', 1, length($message)) . $message;
}

# A COPY file of one value
sub one_value
{
	my ($message) = @_;
	return $head . row($message) . $tail;
}

# Loads a file into an empty table: the values as text, or SQLSTATE and message
sub load
{
	my ($content) = @_;
	copy_file('mutant.copy', $content);
	my ($rc, $out, $err) = $node->psql(
		'postgres', qq{
\\set VERBOSITY verbose
SET search_path TO pool_manager, public;
BEGIN;
CREATE TEMP TABLE t (r resource_list) ON COMMIT DROP;
COPY t FROM '$dir/mutant.copy' (FORMAT binary);
SELECT coalesce(r::text, 'NULL') FROM t WHERE r IS NULL OR r = r::text::resource_list;
COMMIT;
});
	return $out if $rc == 0;
	return $err =~ /ERROR:  ([0-9A-Z]{5}): (.*)/ ? "$1: $2" : "no SQLSTATE: $err";
}

# What the documented form is, and each thing that can be wrong with it
my @entries = ([ 'cpu', 500 ], [ 'memory', 1 << 30 ], [ 'nvidia.com/gpu', -2000 ]);
is(load(one_value(message(\@entries))),
	'cpu=0.5,memory=1Gi,nvidia.com/gpu=-2', 'the documented form loads');
is(load(one_value(message([]))), '', 'so does the empty list');

my $invalid = '22P03: invalid binary format for type resource_list';
my $long = 'n' x 318;
my %wrong = (
	'no byte' => '',
	'version only' => pack('C', 1),
	'version 0' => message(\@entries, version => 0),
	'version 2' => message(\@entries, version => 2),
	'count too small' => message(\@entries, count => 2),
	'count too large' => message(\@entries, count => 4),
	'count huge' => message(\@entries, count => 0xffffffff),
	'count over the limit' => message(\@entries, count => 65536),
	'trailing byte' => message(\@entries, more => "\0"),
	'names descend' => message([ reverse @entries ]),
	'name repeated' => message([ [ 'cpu', 1 ], [ 'cpu', 1 ] ]),
	'zero value' => message([ [ 'cpu', 0 ] ]),
	'empty name' => message([ [ '', 1 ], [ 'cpu', 1 ] ]),
	'name with a zero byte' => message([ [ "c\0u", 1 ] ]),
	'name with an equals sign' => message([ [ 'cpu=', 1 ] ]),
	'name that is not UTF-8' => message([ [ "cpu\xff", 1 ] ]),
	'name too long' => message([ [ $long, 1 ] ]),
	'name longer than the message' => message([ [ 'cpu', 1, 1000 ] ]),
	'name that eats the value' => message([ [ 'cpu', 1, 11 ] ]),
	'value cut off' => substr(message(\@entries), 0, -1));
foreach my $what (sort keys %wrong)
{
	is(load(one_value($wrong{$what})), $invalid, $what);
}
is( load(one_value(message([ [ substr($long, 1), 1 ] ]))),
	substr($long, 1) . '=0.001',
	'the longest name loads');

# Mutated files: a fixed pseudo-random sequence, the same on every machine
my $state = 20260702;

sub pseudo_random
{
	my ($below) = @_;
	$state = ($state * 1103515245 + 12345) % 2147483648;
	return int($state / 65536) % $below;
}

# One to three changes of bytes from an offset on
sub mutate
{
	my ($bytes, $from) = @_;
	foreach my $change (0 .. pseudo_random(3))
	{
		my $left = length($bytes) - $from;
		last if $left < 1;
		my $at = $from + pseudo_random($left);
		my $kind = pseudo_random(5);

		if ($kind == 0)    # a byte of any value
		{
			substr($bytes, $at, 1) = chr(pseudo_random(256));
		}
		elsif ($kind == 1)    # one bit
		{
			substr($bytes, $at, 1) = chr(ord(substr($bytes, $at, 1)) ^ (1 << pseudo_random(8)));
		}
		elsif ($kind == 2)    # a byte less
		{
			substr($bytes, $at, 1) = '';
		}
		elsif ($kind == 3)    # some bytes twice
		{
			substr($bytes, $at, 0) = substr($bytes, $at, 1 + pseudo_random(12));
		}
		else                  # a letter for a byte: names that stay names
		{
			substr($bytes, $at, 1) = chr(97 + pseudo_random(26));
		}
	}
	return $bytes;
}

# Every subset of the entries
my @messages = map
{
	my $subset = $_;
	message([ map { $entries[$_] } grep { $subset & (1 << $_) } 0 .. 2 ])
} 0 .. 7;
my $original = $head . join('', map { row($_) } @messages) . $tail;

is( load($original),
	join("\n",
		'', 'cpu=0.5',
		'memory=1Gi', 'cpu=0.5,memory=1Gi',
		'nvidia.com/gpu=-2', 'cpu=0.5,nvidia.com/gpu=-2',
		'memory=1Gi,nvidia.com/gpu=-2', 'cpu=0.5,memory=1Gi,nvidia.com/gpu=-2'),
	'the original file loads');

my %seen = (loaded => 0, refused => 0);
my @bad;
foreach my $i (1 .. $mutants)
{
	# half of them within a value, half anywhere behind the header
	my $mutant =
	  $i % 2
	  ? one_value(mutate($messages[ pseudo_random(8) ], 0))
	  : mutate($original, length($head));
	my $result = load($mutant);
	if ($result =~ /\A(?:22|54)[0-9A-Z]{3}: /)
	{
		$seen{refused}++;
	}
	elsif ($result =~ /\Ano SQLSTATE|\A[0-9A-Z]{5}: /)
	{
		push @bad, "mutant $i: $result";
	}
	else
	{
		$seen{loaded}++;
	}
}
is_deeply(\@bad, [], "$mutants mutants load or are refused");
cmp_ok($seen{loaded}, '>', 10, "some load ($seen{loaded})");
cmp_ok($seen{refused}, '>', 100, "most are refused ($seen{refused})");
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is up');
unlike(slurp_file($node->logfile), qr/terminated by signal|TRAP:|PANIC/, 'nothing crashed');

$node->stop;
done_testing();
