SELECT create_pool('made', 'dedicated', 't1', 'made', nodes => jsonb_build_object('big', :nodes));
