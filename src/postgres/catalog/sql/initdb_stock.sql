-- To system_changed.sql and system_moved.sql, after initdb_age.sql: sums over what initdb makes in each major version: functions in language
-- internal, casts, relations, types, operators, aggregates, the operators and functions of families, classes with families, collations and
-- conversions; and the functions that not everybody may call (pg_init_privs). A minor release may add a function (17.12 did), which only
-- clusters have that its initdb made: a kind has one sum for each of them, as far as the newest minor release that is known (`known`).
, stock(known, functions, casts, relations, types, operators, aggregates, strategies, support, others, closed) AS (
    SELECT current_setting('server_version_num')::int4 % 10000 <= v.minor, v.functions, v.casts, v.relations, v.types, v.operators,
           v.aggregates, v.strategies, v.support, v.others, v.closed
      FROM (VALUES (13, 23, ARRAY['a2887a98a79296f619782de424185e8028530a3ae30284c41635448d639550d5'],
                    '53c78e94988cae6e4d0b83a112bf0a625863fce4dd64ddc3b99ea8e231bc8bb3',
                    '6a006d2f48ba0190befe59b1cb30acd5', '3d6b28bdcf256ebc122319a07b2351a5',
                    '5d98a92f4eb6d80840a9fbd1c7c92720', 'f817e5a1979935c3637c8b2fd82c7d55',
                    'b30c5727b5538f35653f3487b482bc05', 'da2ef190ca6c91f46faf323eaa82acb2',
                    '02579d6ad48974bfe3271f5aa58e311e',
                    '764 765 767 2172 2173 2274 2307 2621 2622 2623 2624 2625 2739 2848 3071 3072 3098 3293 3295 3297 3307 3329 3353 3354 '
                    '3400 3401 3436 3775 3776 3777 3800 3801 3826 3827 3828 5029 5030 5031 5052'),
                   (14, 23, ARRAY['99abd63364912a57cb2a2a753187c1797a44f65340c172c8d14d557aa4f0e529'],
                    'b60f4087ad712ab067a91fe866b341acee8311cfcb34f0988dd73ca53a95fb19',
                    '88aed8ba27dcec78a7de462fd25bca27', 'bd6fb256102afa72f8f06b8ede0e7fb0',
                    '89422e6fa872c7ad6b1ed62aae392ad1', '3ce21768e85231da69581bdfcb771427',
                    '0578933aaf12ff0f1bde001987d5ddb8', '3b15d58dcdd1512fad2f3173c8507577',
                    '731f9c2e4ed96622220093de532143c5',
                    '764 765 767 2172 2173 2274 2282 2307 2621 2622 2623 2624 2625 2739 2848 3071 3072 3098 3293 3295 3297 3307 3329 3353 '
                    '3354 3400 3401 3436 3775 3776 3777 3800 3801 3826 3827 3828 5029 5030 5031 5052 6003 6004 6005 6006 6007 6008 6009 6010 '
                    '6011 6012 6013 6014 6170'),
                   (15, 18, ARRAY['343db40026f44d68ba661b4ac538b5fdbd5ed1abc8e754eb1ad76818319a5117'],
                    '4d4cd87cf370dba617a9f07eb3263176074d3eeb245b870af6a4b8b204af077e',
                    '8ba4f9a9a607517177704aebb205eedd', 'bd6fb256102afa72f8f06b8ede0e7fb0',
                    'ad6d9fa3d44f1f0f6b9ea6990b348c76', 'a7377eff9bbd2aeb3a4650741139495b',
                    '0578933aaf12ff0f1bde001987d5ddb8', '3b15d58dcdd1512fad2f3173c8507577',
                    '3c3323bd08208d9bf2ee29e0a2842111',
                    '764 765 767 2172 2274 2282 2307 2621 2622 2623 2624 2625 2739 2848 3071 3072 3098 3293 3295 3297 3307 3329 3353 3354 '
                    '3400 3401 3436 3775 3776 3777 3800 3801 3826 3827 3828 4543 5029 5030 5031 5052 6003 6004 6005 6006 6007 6008 6009 6010 '
                    '6011 6012 6013 6014 6170 6230 6232 6250 6270 6271 6272'),
                   (16, 14, ARRAY['ebac1370b770a759dad632f0de1583a78c0878d3b92b01948a5f4b66e4fa91c8'],
                    '4d4cd87cf370dba617a9f07eb3263176074d3eeb245b870af6a4b8b204af077e',
                    '453588dea089a088050ea529918d5c9d', 'bd6fb256102afa72f8f06b8ede0e7fb0',
                    'ad6d9fa3d44f1f0f6b9ea6990b348c76', 'ae913b25a8a01b4d96467ad8920f88fe',
                    '0578933aaf12ff0f1bde001987d5ddb8', '3b15d58dcdd1512fad2f3173c8507577',
                    'b1044b1dad372749f25c6fdbf7b26989',
                    '764 765 767 2172 2274 2282 2307 2621 2622 2623 2624 2625 2739 2848 3071 3072 3098 3293 3295 3297 3307 3329 3353 3354 '
                    '3400 3401 3436 3775 3776 3777 3800 3801 3826 3827 3828 4543 5029 5030 5031 5052 6003 6004 6005 6006 6007 6008 6009 6010 '
                    '6011 6012 6013 6014 6170 6208 6209 6230 6232 6250 6270 6271 6272 6305'),
                   (17, 12, ARRAY['aa985393412b0d5a6f91b0405a490e12548af3579b36f3db22d5009e5555222c',
                           '466da5730424c41a74e887da0c4a48571aded5b53a945c08c7055776ce83177b'],
                    '4d4cd87cf370dba617a9f07eb3263176074d3eeb245b870af6a4b8b204af077e',
                    'fa4c6a3fe5ca9b1c6d24de8bd867dcc3', 'bd6fb256102afa72f8f06b8ede0e7fb0',
                    'ad6d9fa3d44f1f0f6b9ea6990b348c76', 'a01e757ce58bdc52d28a37aac3773e91',
                    '0578933aaf12ff0f1bde001987d5ddb8', '3b15d58dcdd1512fad2f3173c8507577',
                    '4ea296f28c7ad3bab878ab268916b4ce',
                    '764 765 767 2172 2274 2282 2307 2621 2622 2623 2624 2625 2739 2848 3071 3072 3098 3293 3295 3297 3307 3329 3353 3354 '
                    '3400 3401 3436 3775 3776 3777 3800 3801 3826 3827 3828 4543 5029 5030 5031 5052 6003 6004 6005 6006 6007 6008 6009 6010 '
                    '6011 6012 6013 6014 6170 6208 6209 6230 6232 6250 6270 6271 6272 6305'),
                   (18, 6, ARRAY['405f4b999ad139e731001c438b988f04746886a5bedbb04adaf3549b4c2648d1'],
                    '2a5a7c698a86fc4d096407d5cfd5bb7adf102fd81fa954a21aad971ffa11ba95',
                    '008cf3b6d10069c506945223ff622da7', 'bd6fb256102afa72f8f06b8ede0e7fb0',
                    'ad6d9fa3d44f1f0f6b9ea6990b348c76', '57cc4efbdd39b1bc20beac94ef857555',
                    '0578933aaf12ff0f1bde001987d5ddb8', 'fca21f72960f426b72ce624c8f82fcf0',
                    'bc3e12d3a87b2918d8d8a8b378cd0568',
                    '764 765 767 2172 2274 2282 2307 2621 2622 2623 2624 2625 2739 2848 3071 3072 3098 3293 3295 3297 3307 3329 3353 3354 '
                    '3400 3401 3436 3775 3776 3777 3800 3801 3826 3827 3828 4100 4543 5029 5030 5031 5052 6003 6004 6005 6006 6007 6008 6009 '
                    '6010 6011 6012 6013 6014 6170 6208 6209 6230 6232 6250 6270 6271 6272 6305 6387 6399 6400')
           ) v(major, minor, functions, casts, relations, types, operators, aggregates, strategies, support, others, closed)
     WHERE v.major = current_setting('server_version_num')::int4 / 10000
)
