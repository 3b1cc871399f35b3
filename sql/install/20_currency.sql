-- Currencies that contracts and prices may be in.

CREATE TABLE currency (
    code     text    NOT NULL,
    digits   integer NOT NULL,
    standard boolean NOT NULL DEFAULT false,
    CONSTRAINT currency_pkey PRIMARY KEY (code),
    CONSTRAINT currency_code_check CHECK (code ~ '^[A-Z]{3}$'),
    CONSTRAINT currency_digits_check CHECK (digits BETWEEN 0 AND 4)
);
COMMENT ON TABLE currency IS
'currencies that contracts and prices may be in: those of ISO 4217 that have a minor unit; the extension''s owner may add rows';
COMMENT ON COLUMN currency.code IS 'ISO 4217 code, or another of three capital letters';
COMMENT ON COLUMN currency.digits IS 'digits of its minor unit, to which bills are rounded';
COMMENT ON COLUMN currency.standard IS 'one of ISO 4217; others were added';
INSERT INTO currency
SELECT code, digits, true
FROM (VALUES
    (0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'),
    (2, 'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
        CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD
        HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU
        MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG
        SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST
        XCD XCG YER ZAR ZMW ZWG'),
    (3, 'BHD IQD JOD KWD LYD OMR TND'),
    (4, 'CLF UYW')) AS v(digits, codes), regexp_split_to_table(codes, '\s+') AS code;
SELECT pg_catalog.pg_extension_config_dump('currency', 'WHERE NOT standard');
