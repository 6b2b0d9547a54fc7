-- dbctl's stamp, as JSON for the same reason as the history.
SELECT to_jsonb(i)::text AS entry FROM dbctl.identity i LIMIT 3
