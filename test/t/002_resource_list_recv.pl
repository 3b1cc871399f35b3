
# Garbage through the binary input function of resource_list: mutated files of
# COPY BINARY either load or fail with an error of class 22 or 54; the server
# never crashes, and what loads is canonical.

use strict;
use warnings;

use BinaryCopy;
use PostgreSQL::Test::Utils;
use Test::More;

my $mutants = 300;
my $copy = BinaryCopy->new('resource_list');
my $node = $copy->node;

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

# What comes of a file of one value
sub load
{
	my ($message) = @_;
	return $copy->load(BinaryCopy::file($message));
}

# What the documented form is, and each thing that can be wrong with it
my @entries = ([ 'cpu', 500 ], [ 'memory', 1 << 30 ], [ 'nvidia.com/gpu', -2000 ]);
is(load(message(\@entries)),
	'cpu=0.5,memory=1Gi,nvidia.com/gpu=-2', 'the documented form loads');
is(load(message([])), '', 'so does the empty list');

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
	is(load($wrong{$what}), $invalid, $what);
}
is( load(message([ [ substr($long, 1), 1 ] ])),
	substr($long, 1) . '=0.001',
	'the longest name loads');

# Every subset of the entries
my @messages = map
{
	my $subset = $_;
	message([ map { $entries[$_] } grep { $subset & (1 << $_) } 0 .. 2 ])
} 0 .. 7;

is( $copy->load(BinaryCopy::file(@messages)),
	join("\n",
		'', 'cpu=0.5',
		'memory=1Gi', 'cpu=0.5,memory=1Gi',
		'nvidia.com/gpu=-2', 'cpu=0.5,nvidia.com/gpu=-2',
		'memory=1Gi,nvidia.com/gpu=-2', 'cpu=0.5,memory=1Gi,nvidia.com/gpu=-2'),
	'the original file loads');

my ($loaded, $refused, $bad) = $copy->load_mutants($mutants, @messages);
is_deeply($bad, [], "$mutants mutants load or are refused");
cmp_ok($loaded, '>', 10, "some load ($loaded)");
cmp_ok($refused, '>', 100, "most are refused ($refused)");
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is up');
unlike(slurp_file($node->logfile), qr/terminated by signal|TRAP:|PANIC/, 'nothing crashed');

$node->stop;
done_testing();
