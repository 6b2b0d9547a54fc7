-- To system_changed.sql, after initdb_age.sql: sums over all casts and all functions in language internal as initdb makes them in each major version.
, stock(functions, casts) AS (
    SELECT v.functions, v.casts
      FROM (VALUES (13, 'a2887a98a79296f619782de424185e8028530a3ae30284c41635448d639550d5', '53c78e94988cae6e4d0b83a112bf0a625863fce4dd64ddc3b99ea8e231bc8bb3'),
                   (14, '99abd63364912a57cb2a2a753187c1797a44f65340c172c8d14d557aa4f0e529', 'b60f4087ad712ab067a91fe866b341acee8311cfcb34f0988dd73ca53a95fb19'),
                   (15, '343db40026f44d68ba661b4ac538b5fdbd5ed1abc8e754eb1ad76818319a5117', '4d4cd87cf370dba617a9f07eb3263176074d3eeb245b870af6a4b8b204af077e'),
                   (16, 'ebac1370b770a759dad632f0de1583a78c0878d3b92b01948a5f4b66e4fa91c8', '4d4cd87cf370dba617a9f07eb3263176074d3eeb245b870af6a4b8b204af077e'),
                   (17, 'aa985393412b0d5a6f91b0405a490e12548af3579b36f3db22d5009e5555222c', '4d4cd87cf370dba617a9f07eb3263176074d3eeb245b870af6a4b8b204af077e'),
                   (18, '405f4b999ad139e731001c438b988f04746886a5bedbb04adaf3549b4c2648d1', '2a5a7c698a86fc4d096407d5cfd5bb7adf102fd81fa954a21aad971ffa11ba95')
           ) v(major, functions, casts)
     WHERE v.major = current_setting('server_version_num')::int4 / 10000
)
