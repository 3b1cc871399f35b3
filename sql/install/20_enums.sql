-- States, kinds and modes: closed lists, in the words of doc/concepts.md.

CREATE DOMAIN object_name AS text
    CONSTRAINT object_name_form CHECK (
        VALUE = btrim(VALUE) AND length(VALUE) BETWEEN 1 AND 128 AND VALUE !~ '[[:cntrl:]]');
COMMENT ON DOMAIN object_name IS
'name of a thing: 1 to 128 characters, no control characters, no blank at either end';

CREATE TYPE pool_kind AS ENUM ('public', 'dedicated');
COMMENT ON TYPE pool_kind IS
'public: run by the provider, shared by tenants, isolated job by job; dedicated: exclusive to one tenant';

CREATE TYPE pool_state AS ENUM (
    'waiting', 'creating', 'running', 'abnormal', 'deleting', 'error', 'creation_failed', 'scaling_failed');
COMMENT ON TYPE pool_state IS 'state of a resource pool; only a running pool takes jobs';

CREATE TYPE node_state AS ENUM ('creating', 'checking', 'available', 'abnormal', 'deleting');
COMMENT ON TYPE node_state IS 'state of a node; only an available node takes replicas';

CREATE TYPE network_state AS ENUM ('creating', 'active', 'abnormal');
COMMENT ON TYPE network_state IS 'state of a network';

CREATE TYPE job_type_state AS ENUM ('enabling', 'enabled', 'enable_failed', 'disabling', 'disabled');
COMMENT ON TYPE job_type_state IS 'state of a job type on a pool; only an enabled type is accepted';

CREATE TYPE job_kind AS ENUM ('training', 'inference', 'notebook', 'workflow');
COMMENT ON TYPE job_kind IS 'what a job is for; a pool accepts the kinds it has enabled';

CREATE TYPE job_state AS ENUM (
    'held', 'waiting', 'queued', 'starting', 'running', 'stopping', 'stopped',
    'completed', 'failed', 'cancelled', 'timed_out');
COMMENT ON TYPE job_state IS
'state of a job. waiting: on jobs that it depends on, or a time; stopped: a notebook or service at rest; completed, failed, cancelled and timed_out are final';

CREATE TYPE queue_policy AS ENUM ('fifo', 'traversal', 'reserve', 'stepped', 'tiered', 'backfill');
COMMENT ON TYPE queue_policy IS
'what a job that does not fit does to those behind it: fifo: blocks its queue; traversal: is passed over; reserve: what is free for it is withheld from later jobs of the pass; stepped: the same, for a time; tiered: stepped for priority 3, traversal for the others; backfill: is given a time, and nothing that passes it delays it';

CREATE TYPE placement_policy AS ENUM ('pack', 'first_fit', 'spread');
COMMENT ON TYPE placement_policy IS
'which node a replica goes to: pack: where it wastes least and leaves least free; first_fit: the node created first; spread: where least is in use';

CREATE TYPE job_order AS ENUM ('priority', 'shortest');
COMMENT ON TYPE job_order IS
'what comes first among jobs of one priority: priority: the greater score, where anything is weighted, else the earlier submission; shortest: the smaller time limit, none last';

CREATE TYPE size_order AS ENUM ('large', 'small', 'large_per_minute');
COMMENT ON TYPE size_order IS
'which size of a job raises its score. large: the share of the pool that it asks for; small: one less that; large_per_minute: that share divided by the time limit in minutes, nothing without one';

CREATE TYPE preemption_policy AS ENUM ('never', 'lower_priority', 'lower_or_newer_equal');
COMMENT ON TYPE preemption_policy IS
'which preemptible runs of its sub-pool give way to a job that finds no room. never: none; lower_priority: those of lower priority; lower_or_newer_equal: and those of its own priority that were submitted later';

CREATE TYPE reclaim_policy AS ENUM ('never', 'lower_priority', 'any');
COMMENT ON TYPE reclaim_policy IS
'which preemptible runs of sub-pools that hold more than is guaranteed to them give way to a job within the guarantee of its own. never: none; lower_priority: those of lower priority; any: all';

CREATE TYPE launch_mode AS ENUM ('immediate', 'agent');
COMMENT ON TYPE launch_mode IS
'immediate: a placed job runs at once; agent: it is starting until start_job and stopping until finish_job';

CREATE TYPE member_level AS ENUM ('viewer', 'member', 'owner');
COMMENT ON TYPE member_level IS
'what a role may do for a tenant: viewer: read; member: also submit and end jobs; owner: also create pools and networks';

CREATE TYPE cpu_architecture AS ENUM ('x86', 'arm64');
COMMENT ON TYPE cpu_architecture IS 'processor architecture of a flavor';

CREATE TYPE sku_per AS ENUM ('hour', 'once');
COMMENT ON TYPE sku_per IS 'what a price of a SKU is for: one unit held for an hour, or one unit';

CREATE TYPE rounding_rule AS ENUM ('cut', 'half_up', 'half_even');
COMMENT ON TYPE rounding_rule IS
'how a bill is rounded to the minor unit of its currency: towards zero, half away from zero, half to even';

CREATE TYPE period_state AS ENUM ('open', 'closing', 'closed');
COMMENT ON TYPE period_state IS
'open: its time is not over, or not settled; closing: settled to its end, late usage and adjustments still come in; closed: its bill is issued, nothing of it changes';

CREATE TYPE booking_kind AS ENUM ('settlement', 'reprice', 'adjustment');
COMMENT ON TYPE booking_kind IS
'settlement: usage was rated; reprice: a price was set for a past already charged; adjustment: adjust() was called';

CREATE TYPE charge_kind AS ENUM ('usage', 'correction', 'adjustment', 'tax', 'rounding');
COMMENT ON TYPE charge_kind IS
'usage: rated usage of the period; correction: of a period closed before; adjustment, tax: entered with adjust(); rounding: what a bill''s rounding adds or cuts, on bills only';

CREATE TYPE tenant_state AS ENUM ('active', 'grace', 'frozen');
COMMENT ON TYPE tenant_state IS
'active; grace: in arrears, all goes on; frozen: nothing new is made or started, and runs in public pools end';

CREATE TYPE provider_mode AS ENUM ('instant', 'external');
COMMENT ON TYPE provider_mode IS
'who carries out what is ordered. instant: it is done at once; external: an agent reports each step';

CREATE TYPE pool_restriction AS ENUM ('flavor_change', 'service', 'frozen');
COMMENT ON TYPE pool_restriction IS
'what the provider has forbidden on a pool. flavor_change: no change of node counts and flavors; service: no new jobs; frozen: no new job or start, no change of size or settings, no work on nodes, only deletion';

CREATE TYPE container_network AS ENUM ('overlay', 'eni');
COMMENT ON TYPE container_network IS
'addresses of replicas. overlay: none of the network; eni: each has one of the pool''s network';

CREATE TYPE node_step AS ENUM ('rack', 'hyperinstance');
COMMENT ON TYPE node_step IS 'what nodes are bought by where not one by one';

CREATE TYPE order_operation AS ENUM ('create', 'resize', 'delete', 'migrate', 'upgrade_driver');
COMMENT ON TYPE order_operation IS 'what an order is to do';

CREATE TYPE order_phase AS ENUM ('pending', 'processing', 'succeeded', 'partially_succeeded', 'failed');
COMMENT ON TYPE order_phase IS 'how far an order, or its part for one flavor, has come; the last three are final';

CREATE TYPE task_kind AS ENUM ('drain', 'reboot', 'reset', 'repair', 'replace', 'upgrade_driver', 'migrate', 'delete');
COMMENT ON TYPE task_kind IS 'what is done to a node';

CREATE TYPE task_state AS ENUM ('pending', 'waiting', 'running', 'succeeded', 'failed', 'cancelled');
COMMENT ON TYPE task_state IS
'pending: has not begun; waiting: the node takes no jobs, those on it go on; running: it is being carried out; the others are final';

CREATE TYPE driver_state AS ENUM ('pending', 'updating', 'running', 'abnormal');
COMMENT ON TYPE driver_state IS 'state of the accelerator driver of a node';

CREATE TYPE peering_state AS ENUM ('connecting', 'active', 'abnormal');
COMMENT ON TYPE peering_state IS 'state of a connection to a network of the tenant''s elsewhere';

CREATE TYPE file_system_state AS ENUM ('creating', 'active', 'abnormal', 'deleting');
COMMENT ON TYPE file_system_state IS 'state of the attachment of a file system to a network';

CREATE TYPE file_system_connection AS ENUM ('vpc_port', 'peering');
COMMENT ON TYPE file_system_connection IS 'how a network reaches a file system: by a port in it, or over a peering';

CREATE TYPE maintenance_state AS ENUM ('inquiring', 'scheduled', 'executing', 'completed', 'failed', 'cancelled');
COMMENT ON TYPE maintenance_state IS
'inquiring: waits for the owner''s consent; scheduled: has it; executing; the others are final';

CREATE TYPE flavor_sale AS ENUM ('on_sale', 'sold_out');
COMMENT ON TYPE flavor_sale IS 'can more nodes of a flavor be had?';

CREATE TYPE run_start AS ENUM ('initial', 'restarted', 'resumed', 'preempted');
COMMENT ON TYPE run_start IS
'why a run began. initial: first of its job; restarted: after a fault or requeue_job; resumed: resume_job after a stop; preempted: after it gave way to another job';

CREATE TYPE dependency_kind AS ENUM ('after', 'afterok', 'afterany', 'afternotok');
COMMENT ON TYPE dependency_kind IS
'what a job waits for of another. after: it has begun to run, or ended; afterok: it has completed; afterany: it has ended; afternotok: it has ended otherwise than completed';

CREATE TYPE tag_action AS ENUM ('create', 'delete', 'reset');
COMMENT ON TYPE tag_action IS
'create: adds tags, overwriting those of the same key; delete: removes those whose key and value match; reset: replaces all';

CREATE DOMAIN tag_set AS jsonb
    CONSTRAINT tag_set_form CHECK (
        jsonb_typeof(VALUE) = 'object' AND NOT jsonb_path_exists(VALUE, 'strict $.* ? (@.type() != "string")') AND
        NOT jsonb_path_exists(VALUE, '$.keyvalue() ? (@.key == "" || @.key starts with "CCE-" || @.key starts with "__type_baremetal")') AND
        jsonb_array_length(jsonb_path_query_array(VALUE, '$.keyvalue()')) <= 20);
COMMENT ON DOMAIN tag_set IS
'tags, by which costs are grouped: an object of at most 20 strings, no key empty or beginning with CCE- or __type_baremetal';

CREATE DOMAIN level_list AS text[]
    CONSTRAINT level_list_form CHECK (
        coalesce(array_ndims(VALUE), 1) = 1 AND cardinality(VALUE) <= 8 AND array_position(VALUE, NULL) IS NULL AND
        NOT VALUE && '{"",pool,node}')
    -- lexemes are not repeated
    CONSTRAINT level_list_once CHECK (length(array_to_tsvector(array_remove(array_remove(VALUE, NULL), ''))) = cardinality(VALUE));
COMMENT ON DOMAIN level_list IS
'levels of a topology, the widest first: at most 8 names, none twice, none empty, pool or node; every node is a domain of level node, below them all';
