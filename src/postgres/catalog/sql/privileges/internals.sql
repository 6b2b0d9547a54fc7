-- What TimescaleDB (Community edition) keeps behind a relation of somebody's, with that relation's ACL: it copies GRANT and REVOKE there.
SELECT c.oid, o.relacl
  FROM (SELECT g.user_view_schema, g.user_view_name, h.schema_name, h.table_name
          FROM _timescaledb_catalog.continuous_agg g
          JOIN _timescaledb_catalog.hypertable h ON h.id = g.mat_hypertable_id
        UNION ALL SELECT user_view_schema, user_view_name, partial_view_schema, partial_view_name FROM _timescaledb_catalog.continuous_agg
        UNION ALL SELECT user_view_schema, user_view_name, direct_view_schema, direct_view_name FROM _timescaledb_catalog.continuous_agg
        UNION ALL SELECT h.schema_name, h.table_name, z.schema_name, z.table_name
                    FROM _timescaledb_catalog.hypertable h
                    JOIN _timescaledb_catalog.hypertable z ON z.id = h.compressed_hypertable_id) i(outer_nsp, outer_rel, nsp, rel)
  JOIN pg_namespace n ON n.nspname = i.nsp
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = i.rel
  JOIN pg_namespace p ON p.nspname = i.outer_nsp
  JOIN pg_class o ON o.relnamespace = p.oid AND o.relname = i.outer_rel
