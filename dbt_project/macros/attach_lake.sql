{#-
    Shows the lake to dbt: one view `lake.<table>` for each raw table, over the live files that the lake's index lists.
    Of windowed and snapshot tables only the rows of the load that won each day are seen; of logs every row.
    The index is written by `Lake.write_index`; without one, dbt stops with a message that says how to get it.
-#}
{% macro attach_lake() %}
    {{ return(adapter.dispatch('attach_lake', 'tokenatlas')()) }}
{% endmacro %}

{% macro duckdb__attach_lake() %}
    {% if execute and flags.WHICH in ('run', 'build', 'test', 'seed', 'snapshot', 'run-operation', 'show', 'compile') %}
        {% set home = env_var('TOKENATLAS_HOME', '.tokenatlas') %}
        {% set index_files = run_query("select count(*) from glob('" ~ home ~ "/lake_index.parquet')").rows[0][0] %}
        {% if index_files == 0 %}
            {{ exceptions.raise_compiler_error(
                "There is no lake index in " ~ home ~ ". Run `tokenatlas run` (or `make demo`) once, or point TOKENATLAS_HOME at the right folder."
            ) }}
        {% endif %}
        {% do run_query("create schema if not exists lake") %}
        {% do run_query("create or replace table lake.lake_index as select * from read_parquet('" ~ home ~ "/lake_index.parquet')") %}
        {% set tables = run_query("
            select
                files.table_name,
                string_agg('''' || replace(files.file_path, '''', '''''') || '''', ', ' order by files.file_path) as paths,
                coalesce(max(kinds.kind), 'append') as kind
            from read_parquet('" ~ home ~ "/lake_files.parquet') as files
            left join (select table_name, any_value(kind) as kind from lake.lake_index group by 1) as kinds
                on files.table_name = kinds.table_name
            group by files.table_name
        ") %}
        {% for table_name, paths, kind in tables.rows %}
            {% do run_query(
                "create or replace view lake." ~ table_name ~ " as select raw_rows.* from read_parquet([" ~ paths
                ~ "], union_by_name = true, hive_partitioning = false) as raw_rows"
                ~ (" where exists (select 1 from lake.lake_index as days where days.table_name = '" ~ table_name
                   ~ "' and days.data_load_id = raw_rows._load_id and days.day = raw_rows._day)" if kind != 'append' else '')
            ) %}
        {% endfor %}
    {% endif %}
{% endmacro %}
