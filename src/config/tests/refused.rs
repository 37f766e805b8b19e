//! Every error, each with the one message it leads to.

use super::{changed, problems};

/// Text, what replaces it, and the one message that this must lead to.
const REFUSED: &[(&str, &str, &str)] = &[
    // Unknown and missing keys, wrong kinds of values.
    (
        "quota = 10\n",
        "quotta = 10\n",
        "clients.oms.quotta = 10: expected a known key: quota, send_after_commit, order_rate",
    ),
    (
        "long_max = \"5\"",
        "lon_max = \"5\"",
        "buckets.alpha.limits.lon_max = \"5\": expected a known key: instruments, capital, order_quantity_max, order_base_quantity_max, order_notional_max, order_underlying_notional_max, collar, market_slippage, look_alike, post_only, short_sale, self_match and 15 more",
    ),
    (
        "[venues]",
        "[limits]\n[venues]",
        "limits = {}: expected a known key: server, calendars, instruments, groups, venues, counterparties, profiles, buckets, engine, clients",
    ),
    (
        "zone = \"America/New_York\"\n",
        "",
        "calendars.day.zone is missing: expected a zone such as \"UTC\"",
    ),
    (
        "level = \"firm\"\n",
        "level = 3\n",
        "groups.firm.level = 3: expected one of \"desk\", \"firm\"",
    ),
    (
        "[groups.firm]",
        "[server]\nlisten = \"localhost\"\n[groups.firm]",
        "server.listen = \"localhost\": expected an address with a port such as \"127.0.0.1:50051\" or \"[::1]:50051\"",
    ),
    (
        "[groups.firm]",
        "[server]\nworkers = 0\n[groups.firm]",
        "server.workers = 0: expected a whole number from 1 to 1024",
    ),
    (
        "[groups.firm]",
        "[server]\nruntime = \"fast\"\n[groups.firm]",
        "server.runtime = \"fast\": expected one of \"per_core\", \"multi_thread\"",
    ),
    (
        "[groups.firm]",
        "[server]\nreflection = \"yes\"\n[groups.firm]",
        "server.reflection = \"yes\": expected true or false",
    ),
    (
        "[groups.firm]",
        "[server]\ndrain_grace = \"2h\"\n[groups.firm]",
        "server.drain_grace = \"2h\": expected a duration in quotes such as \"30s\", from 0s to 1h",
    ),
    (
        "[groups.firm]",
        "[server.log]\nlevel = \"loud\"\n[groups.firm]",
        "server.log.level = \"loud\": expected one of \"error\", \"warn\", \"info\", \"debug\", \"trace\"",
    ),
    // Names.
    (
        "[groups.firm]",
        "[groups.\"a b\"]\nlevel = \"firm\"\n[groups.firm]",
        "groups.\"a b\" = {level = \"firm\"}: expected a name of 1 to 64 of A-Z a-z 0-9 . _ : - as key, but this is a character outside A-Z a-z 0-9 . _ : -",
    ),
    (
        "account = \"a1\"",
        "account = \"\"",
        "buckets.alpha.accounts.0.account = \"\": expected a name of 1 to 64 of A-Z a-z 0-9 . _ : -, but this is empty",
    ),
    // Modes.
    (
        "long_max = \"5\"",
        "long_max = \"5\", modes = { state_halted = \"shadow\" }",
        "buckets.alpha.limits.modes.state_halted = \"shadow\": expected enforce: states, ids, reference data, the grammar of an order, reduce-only marks, legal restrictions and caps on what is rerouted in are never in shadow or off",
    ),
    (
        "long_max = \"5\"",
        "long_max = \"5\", mode = \"watch\"",
        "buckets.alpha.limits.mode = \"watch\": expected one of \"enforce\", \"shadow\", \"off\"",
    ),
    (
        "long_max = \"5\"",
        "long_max = \"5\", modes = { long_max = \"off\" }",
        "buckets.alpha.limits.modes.long_max = \"off\": expected as its key the name of a limit: order_quantity, order_base_quantity, order_notional, order_underlying_notional, price_collar, price_collar_period, outside_trading_window, look_alike, instrument_not_allowed, post_only_required, post_only_forbidden, short_sale_forbidden, locate_required, self_match, position_long, position_short, gross_notional, net_notional, open_orders, concentration, traded_notional, order_rate, notional_rate",
    ),
    // Owners.
    (
        "default_quota = 1000",
        "default_quota = 1000\nowners = [\"desk\"]",
        "engine.owners = [\"desk\"]: expected two different names, or nothing where limits have one owner",
    ),
    (
        "limits = { instruments = { allow = [\"SPOT\"] }, long_max = \"5\" }",
        "limits = { instruments = { allow = [\"SPOT\"] } }\nlimits_of = { risk = { long_max = \"5\" } }",
        "buckets.alpha.limits_of.risk = {long_max = \"5\"}: expected as its key the second of engine.owners",
    ),
    // Numbers.
    (
        "long_max = \"5\"",
        "long_max = 5",
        "buckets.alpha.limits.long_max = 5: expected a number in quotes such as \"0.05\": quote it, so that it stays exact",
    ),
    (
        "long_max = \"5\"",
        "long_max = 5.5",
        "buckets.alpha.limits.long_max = 5.5: expected a number in quotes such as \"0.05\": quote it, so that it stays exact",
    ),
    (
        "long_max = \"5\"",
        "long_max = true",
        "buckets.alpha.limits.long_max = true: expected a number in quotes such as \"0.05\"",
    ),
    (
        "long_max = \"5\"",
        "long_max = \"1e3\"",
        "buckets.alpha.limits.long_max = \"1e3\": expected a plain decimal number of at most 16 digits and 12 decimals, but this is not a plain decimal number",
    ),
    (
        "long_max = \"5\"",
        "long_max = \"0.1234567890123\"",
        "buckets.alpha.limits.long_max = \"0.1234567890123\": expected a plain decimal number of at most 16 digits and 12 decimals, but this is more than 12 decimals",
    ),
    (
        "long_max = \"5\"",
        "long_max = \"-5\"",
        "buckets.alpha.limits.long_max = \"-5\": expected zero or more",
    ),
    (
        "order_notional_max = \"1000\"",
        "order_notional_max = \"-1\"",
        "profiles.std.order_notional_max = \"-1\": expected zero or more",
    ),
    (
        "order_notional_max = \"1000\"",
        "order_notional_max = 1000",
        "profiles.std.order_notional_max = 1000: expected a number in quotes such as \"0.05\": quote it, so that it stays exact",
    ),
    (
        "long_max = \"5\"",
        "market_slippage = \"10\"",
        "buckets.alpha.limits.market_slippage = \"10\": expected a share from 0 to less than 10 (0.05 is 5 %)",
    ),
    (
        "long_max = \"5\"",
        "collar = { aggressive = \"-0.1\" }",
        "buckets.alpha.limits.collar.aggressive = \"-0.1\": expected a share from 0 to less than 10 (0.05 is 5 %)",
    ),
    (
        "long_max = \"5\"",
        "collar = {}",
        "buckets.alpha.limits.collar = {}: expected at least one of aggressive, passive, absolute, period",
    ),
    (
        "quota = 10\n",
        "quota = \"10\"\n",
        "clients.oms.quota = \"10\": expected a whole number from 1 to 1000000000",
    ),
    (
        "quota = 10\n",
        "quota = 10.0\n",
        "clients.oms.quota = 10: expected a whole number from 1 to 1000000000",
    ),
    (
        "default_quota = 1000",
        "default_quota = 0",
        "engine.default_quota = 0: expected a whole number from 1 to 1000000000",
    ),
    // Rates and windows.
    (
        "max = 10,",
        "max = 1000001,",
        "profiles.std.order_rate.max = 1000001: expected a whole number from 1 to 1000000",
    ),
    (
        "max = 10,",
        "max = 0,",
        "profiles.std.order_rate.max = 0: expected a whole number from 1 to 1000000",
    ),
    (
        "exit_reserve = 2",
        "exit_reserve = 11",
        "profiles.std.order_rate.exit_reserve = 11: expected a whole number from 0 to max = 10",
    ),
    (
        "long_max = \"5\"",
        "order_rate = { max = 1 }",
        "profiles.std.order_rate.exit_reserve = 2: expected a whole number from 0 to max = 1, as used in buckets.alpha.limits",
    ),
    (
        "window = \"1s\"",
        "window = \"999us\"",
        "profiles.std.order_rate.window = \"999us\": expected a duration in quotes such as \"30s\", from 1ms to 1d",
    ),
    (
        "window = \"1s\"",
        "window = \"1d1ns\"",
        "profiles.std.order_rate.window = \"1d1ns\": expected a duration in quotes such as \"30s\", from 1ms to 1d",
    ),
    (
        "window = \"1s\"",
        "window = 1",
        "profiles.std.order_rate.window = 1: expected a duration in quotes such as \"30s\", from 1ms to 1d",
    ),
    (
        "window = \"1s\", ",
        "",
        "profiles.std.order_rate.window is missing: expected a duration from 1ms to 1d",
    ),
    (
        "long_max = \"5\"",
        "open_orders = { max = 3, exit_reserve = 4 }",
        "buckets.alpha.limits.open_orders.exit_reserve = 4: expected a whole number from 0 to max = 3",
    ),
    (
        "long_max = \"5\"",
        "look_alike = { count = 0, window = \"1s\" }",
        "buckets.alpha.limits.look_alike.count = 0: expected a whole number from 1 to 1000000",
    ),
    (
        "long_max = \"5\"",
        "notional_rate = { max = \"-1\", window = \"1s\" }",
        "buckets.alpha.limits.notional_rate.max = \"-1\": expected zero or more",
    ),
    (
        "long_max = \"5\"",
        "unsent_ttl = \"2d\"",
        "buckets.alpha.limits.unsent_ttl = \"2d\": expected a duration in quotes such as \"30s\", from 1ms to 1d",
    ),
    // Lists and concentration.
    (
        "allow = [\"SPOT\"]",
        "allow = [\"SPOTT\"]",
        "buckets.alpha.limits.instruments.allow.0 = \"SPOTT\": expected a name declared in [instruments]: CALL, SPOT",
    ),
    (
        "allow = [\"SPOT\"]",
        "allow = [\"*\"], deny = [\"X\"]",
        "buckets.alpha.limits.instruments.deny.0 = \"X\": expected a name declared in [instruments]: CALL, SPOT",
    ),
    (
        "allow = [\"SPOT\"]",
        "allow = [\"*\"], restricted = \"CALL\"",
        "buckets.alpha.limits.instruments.restricted = \"CALL\": expected a list in brackets",
    ),
    (
        "allow = [\"SPOT\"]",
        "allow = [\"SPOT\", \"*\"]",
        "buckets.alpha.limits.instruments.allow = [\"SPOT\", \"*\"]: expected [\"*\"] alone, or a list of instruments without it",
    ),
    (
        "allow = [\"SPOT\"]",
        "",
        "buckets.alpha.limits.instruments.allow is missing: expected a list of instruments, or [\"*\"] for all of them",
    ),
    (
        "instruments = { allow = [\"SPOT\"] }, ",
        "",
        "buckets.alpha.limits.instruments is missing: expected a table with allow, a list of instruments, or [\"*\"] for all of them",
    ),
    (
        "long_max = \"5\"",
        "per_instrument = { X = { long_max = \"1\" } }",
        "buckets.alpha.limits.per_instrument.X = {long_max = \"1\"}: expected as its key a name declared in [instruments]: CALL, SPOT",
    ),
    (
        "long_max = \"5\"",
        "per_instrument = { SPOT = { short_max = \"-1\" } }",
        "buckets.alpha.limits.per_instrument.SPOT.short_max = \"-1\": expected zero or more",
    ),
    (
        "long_max = \"5\"",
        "concentration = [{ by = \"moon\", max = \"1\" }]",
        "buckets.alpha.limits.concentration.0.by = \"moon\": expected one of \"underlying\", \"expiry\", \"sector\", \"venue\"",
    ),
    (
        "long_max = \"5\"",
        "concentration = [{ by = \"venue\", of = \"GAMMA\", max = \"1\" }]",
        "buckets.alpha.limits.concentration.0.of = \"GAMMA\": expected a name declared in [venues]: ALPHA, BETA",
    ),
    (
        "long_max = \"5\"",
        "concentration = [{ by = \"sector\", of = \"tech\", max = \"1\" }]",
        "buckets.alpha.limits.concentration.0.of = \"tech\": expected a name declared in [instruments.*.sector]: coins",
    ),
    (
        "long_max = \"5\"",
        "concentration = [{ by = \"underlying\", of = \"GOLD\", max = \"1\" }]",
        "buckets.alpha.limits.concentration.0.of = \"GOLD\": expected a name declared in [instruments.*.underlying]: COIN",
    ),
    (
        "long_max = \"5\"",
        "concentration = [{ by = \"expiry\", of = \"soon\", max = \"1\" }]",
        "buckets.alpha.limits.concentration.0.of = \"soon\": expected a date such as \"2030-12-27\"",
    ),
    (
        "long_max = \"5\"",
        "concentration = [{ by = \"venue\" }]",
        "buckets.alpha.limits.concentration.0.max is missing: expected either max or capital_share",
    ),
    (
        "long_max = \"5\"",
        "capital = \"1\", concentration = [{ by = \"venue\", max = \"1\", capital_share = \"1\" }]",
        "buckets.alpha.limits.concentration.0.capital_share = \"1\": expected either max or capital_share, not both",
    ),
    (
        "long_max = \"5\"",
        "concentration = [{ by = \"venue\", capital_share = \"0.5\" }]",
        "buckets.alpha.limits.capital is missing: expected an amount of money, because concentration.0 is a share of it",
    ),
    (
        "long_max = \"5\"",
        "post_only = \"maybe\"",
        "buckets.alpha.limits.post_only = \"maybe\": expected one of \"free\", \"require\", \"forbid\"",
    ),
    // Instruments.
    (
        "sector = \"coins\"\n",
        "expiry = \"2030-01-01T00:00:00Z\"\n",
        "instruments.SPOT.expiry = \"2030-01-01T00:00:00Z\": expected nothing for type spot",
    ),
    (
        "expiry = \"2030-12-27T08:00:00Z\"\n",
        "",
        "instruments.CALL.expiry is missing: expected an instant such as \"2030-12-27T08:00:00Z\" for type option",
    ),
    (
        "expiry = \"2030-12-27T08:00:00Z\"\n",
        "expiry = \"2030-12-27\"\n",
        "instruments.CALL.expiry = \"2030-12-27\": expected an instant such as \"2030-12-27T08:00:00Z\"",
    ),
    (
        "strike = \"100\"\n",
        "",
        "instruments.CALL.strike is missing: expected the strike price in quotes, as there is a right",
    ),
    (
        "right = \"call\"\n",
        "",
        "instruments.CALL.right is missing: expected put or call, as there is a strike",
    ),
    (
        "strike = \"100\"\nright = \"call\"\n",
        "",
        "instruments.CALL.strike is missing: expected the strike price for type option",
    ),
    (
        "strike = \"100\"\n",
        "strike = \"0\"\n",
        "instruments.CALL.strike = \"0\": expected more than zero",
    ),
    (
        "sector = \"coins\"\n",
        "strike = \"1\"\nright = \"put\"\n",
        "instruments.SPOT.strike = \"1\": expected nothing for type spot",
    ),
    (
        "sector = \"coins\"\n",
        "multiplier = \"0\"\n",
        "instruments.SPOT.multiplier = \"0\": expected more than zero",
    ),
    (
        "type = \"spot\"\nbase = \"COIN\"\nquote = \"USD\"\ntick = \"0.01\"",
        "type = \"spot\"\nbase = \"COIN\"\nquote = \"USD\"\ntick = \"-0.01\"",
        "instruments.SPOT.tick = \"-0.01\": expected more than zero",
    ),
    (
        "type = \"spot\"\nbase = \"COIN\"\nquote = \"USD\"\ntick = \"0.01\"\nlot = \"1\"",
        "type = \"spot\"\nbase = \"COIN\"\nquote = \"USD\"\ntick = \"0.01\"\nlot = \"0\"",
        "instruments.SPOT.lot = \"0\": expected more than zero",
    ),
    (
        "sector = \"coins\"\n",
        "payoff = \"inverse\"\n",
        "instruments.SPOT.payoff = \"inverse\": expected linear for type spot",
    ),
    (
        "sector = \"coins\"\n",
        "settle = \"COIN\"\n",
        "instruments.SPOT.settle = \"COIN\": expected USD, the quote currency, as payoff is linear",
    ),
    (
        "sector = \"coins\"\n",
        "jump_max = \"10\"\n",
        "instruments.SPOT.jump_max = \"10\": expected a share from 0 to less than 10 (0.05 is 5 %)",
    ),
    (
        "sector = \"coins\"\n",
        "source_divergence_max = \"-0.1\"\n",
        "instruments.SPOT.source_divergence_max = \"-0.1\": expected a share from 0 to less than 10 (0.05 is 5 %)",
    ),
    (
        "sector = \"coins\"\n",
        "mark_max_age = \"8d\"\n",
        "instruments.SPOT.mark_max_age = \"8d\": expected a duration in quotes such as \"30s\", from 1ms to 1d",
    ),
    (
        "underlying_instrument = \"SPOT\"",
        "underlying_instrument = \"X\"",
        "instruments.CALL.underlying_instrument = \"X\": expected a name declared in [instruments]: CALL, SPOT",
    ),
    (
        "underlying_instrument = \"SPOT\"",
        "underlying_instrument = \"CALL\"",
        "instruments.CALL.underlying_instrument = \"CALL\": expected another instrument",
    ),
    (
        "listings = { ALPHA = \"C\" }",
        "listings = { GAMMA = \"C\" }",
        "instruments.CALL.listings.GAMMA = \"C\": expected as its key a name declared in [venues]: ALPHA, BETA",
    ),
    (
        "listings = { ALPHA = \"C\" }",
        "listings = {}",
        "instruments.CALL.listings = {}: expected at least one venue with the symbol it uses",
    ),
    // Calendars.
    (
        "zone = \"America/New_York\"",
        "zone = \"Mars/Olympus\"",
        "calendars.day.zone = \"Mars/Olympus\": expected a zone of the IANA database such as \"America/New_York\" or \"UTC\"",
    ),
    (
        "reset = \"17:00\"",
        "reset = \"5pm\"",
        "calendars.day.reset = \"5pm\": expected a time of day such as \"17:00\"",
    ),
    (
        "reset = \"17:00\"",
        "reset = \"24:00\"",
        "calendars.day.reset = \"24:00\": expected a time of day such as \"17:00\"",
    ),
    (
        "days = [\"mon\", \"fri\"]",
        "days = [\"mon\", \"someday\"]",
        "calendars.day.windows.0.days.1 = \"someday\": expected one of \"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"",
    ),
    (
        "days = [\"mon\", \"fri\"]",
        "days = []",
        "calendars.day.windows.0.days = []: expected at least one day",
    ),
    (
        "calendar = \"day\"",
        "calendar = \"night\"",
        "buckets.alpha.calendar = \"night\": expected a name declared in [calendars]: day",
    ),
    // Groups.
    (
        "parent = \"desk\"",
        "parent = \"disk\"",
        "buckets.alpha.parent = \"disk\": expected a name declared in [groups]: desk, firm",
    ),
    (
        "level = \"desk\"\nparent = \"firm\"",
        "level = \"desk\"\nparent = \"moon\"\ncurrency = \"USD\"",
        "groups.desk.parent = \"moon\": expected a name declared in [groups]: desk, firm",
    ),
    (
        "level = \"desk\"\nparent = \"firm\"",
        "level = \"desk\"\nparent = \"desk\"\ncurrency = \"USD\"",
        "groups.desk.parent = \"desk\": expected a group that does not lie below this one: this is a cycle",
    ),
    (
        "[groups.firm]",
        "[groups.sub]\nlevel = \"desk\"\nparent = \"desk\"\ncurrency = \"USD\"\n[groups.firm]",
        "groups.sub.parent = \"desk\": expected a group of level firm: a path is bucket, desk, firm and no longer",
    ),
    (
        "level = \"desk\"\n",
        "level = \"desk\"\ncurrency = \"EUR\"\n",
        "groups.desk.currency = \"EUR\": expected USD, the currency of group firm",
    ),
    (
        "parent = \"desk\"\n",
        "parent = \"desk\"\ncurrency = \"EUR\"\n",
        "buckets.alpha.currency = \"EUR\": expected USD, the currency of group desk",
    ),
    (
        "parent = \"desk\"\n",
        "",
        "buckets.alpha.currency is missing: expected a currency, as there is no group above",
    ),
    (
        "gross_notional_max = \"100\"",
        "gross_notional_max = \"-1\"",
        "groups.desk.limits.gross_notional_max = \"-1\": expected zero or more",
    ),
    (
        "gross_notional_max = \"100\"",
        "short_max = \"-1\"",
        "groups.desk.limits.short_max = \"-1\": expected zero or more",
    ),
    (
        "gross_notional_max = \"100\"",
        "concentration = [{ by = \"venue\", of = \"ALPHA\", max = \"1\" }, { by = \"venue\", of = \"ALPHA\", max = \"2\" }]",
        "groups.desk.limits.concentration.1.of = \"ALPHA\": expected another set than that of concentration.0",
    ),
    (
        "gross_notional_max = \"100\"",
        "concentration = [{ by = \"venue\", capital_share = \"0.1\" }]",
        "groups.desk.limits.concentration.0.capital_share = \"0.1\": expected an amount of money: a group has no capital",
    ),
    (
        "[groups.desk]",
        "[groups.desk]\ncalendar = \"night\"",
        "groups.desk.calendar = \"night\": expected a name declared in [calendars]: day",
    ),
    // Venues and counterparties.
    (
        "ALPHA = \"first\"",
        "ALPHA = { limits = {} }",
        "venues.ALPHA.currency is missing: expected the currency of the limits",
    ),
    (
        "ALPHA = \"first\"",
        "ALPHA = { currency = \"USD\", limits = { gross_notional_max = \"-1\" } }",
        "venues.ALPHA.limits.gross_notional_max = \"-1\": expected zero or more",
    ),
    (
        "BETA = \"second\"",
        "BETA = { currency = \"EUR\", limits = {} }",
        "buckets.alpha.currency is missing: expected EUR, the currency of venue BETA",
    ),
    (
        "[engine]",
        "[counterparties.prime]\nvenues = [\"BETA\"]\ncurrency = \"EUR\"\nlimits = {}\n[engine]",
        "buckets.alpha.currency is missing: expected EUR, the currency of counterparty prime",
    ),
    (
        "[engine]",
        "[counterparties.prime]\nvenues = [\"GAMMA\"]\ncurrency = \"USD\"\nlimits = {}\n[engine]",
        "counterparties.prime.venues.0 = \"GAMMA\": expected a name declared in [venues]: ALPHA, BETA",
    ),
    (
        "[engine]",
        "[counterparties.one]\nvenues = [\"BETA\"]\ncurrency = \"USD\"\nlimits = {}\n[counterparties.two]\nvenues = [\"ALPHA\", \"BETA\"]\ncurrency = \"USD\"\nlimits = {}\n[engine]",
        "counterparties.two.venues = [\"ALPHA\", \"BETA\"]: expected venues of no other counterparty: BETA belongs to one",
    ),
    (
        "long_max = \"5\"",
        "self_match = { mode = \"reject_new\", scope = \"venue\" }",
        "buckets.alpha.limits.self_match.scope = \"venue\": expected one of \"bucket\", \"desk\", \"firm\"",
    ),
    (
        "profile = \"std\"",
        "profile = \"wild\"",
        "buckets.alpha.profile = \"wild\": expected a name declared in [profiles]: std",
    ),
    (
        "long_max = \"5\"",
        "concentration = [{ by = \"venue\", max = \"1\" }, { by = \"sector\", max = \"1\" }, { by = \"venue\", max = \"2\" }]",
        "buckets.alpha.limits.concentration.2.of is missing: expected the name of a set, as concentration.0 is for every one",
    ),
    (
        "long_max = \"5\"",
        "concentration = [{ by = \"sector\", of = \"coins\", max = \"1\" }, { by = \"sector\", of = \"coins\", max = \"1\" }]",
        "buckets.alpha.limits.concentration.1.of = \"coins\": expected another set than that of concentration.0",
    ),
    // Accounts and routes.
    (
        "{ venue = \"BETA\", account = \"a2\" }",
        "{ venue = \"ALPHA\", account = \"a1\" }",
        "buckets.alpha.accounts.1 = {account = \"a1\", venue = \"ALPHA\"}: expected each account of a bucket once",
    ),
    (
        "{ venue = \"BETA\", account = \"a2\" }",
        "{ venue = \"GAMMA\", account = \"a2\" }",
        "buckets.alpha.accounts.1.venue = \"GAMMA\": expected a name declared in [venues]: ALPHA, BETA",
    ),
    (
        "bucket = \"beta\", venue",
        "bucket = \"bet\", venue",
        "buckets.alpha.reroute.targets.0.bucket = \"bet\": expected a name declared in [buckets]: alpha, beta",
    ),
    (
        "bucket = \"beta\", venue = \"ALPHA\"",
        "bucket = \"beta\", venue = \"GAMMA\"",
        "buckets.alpha.reroute.targets.0.venue = \"GAMMA\": expected a name declared in [venues]: ALPHA, BETA",
    ),
    (
        "account = \"b1\" }], tries",
        "account = \"zz\" }], tries",
        "buckets.alpha.reroute.targets.0.account = \"zz\": expected an account of bucket beta: b1 at ALPHA",
    ),
    (
        "bucket = \"beta\", venue = \"ALPHA\", account = \"b1\"",
        "venue = \"ALPHA\", account = \"b1\"",
        "buckets.alpha.reroute.targets.0.account = \"b1\": expected an account of bucket alpha: a1 at ALPHA, a2 at BETA",
    ),
    (
        "bucket = \"beta\", venue = \"ALPHA\", account = \"b1\"",
        "bucket = \"alpha\", venue = \"ALPHA\", account = \"a1\"",
        "buckets.alpha.reroute.targets.0.bucket = \"alpha\": expected another bucket; leave it out for another account of this one",
    ),
    (
        "inbound = {",
        "reroute = { targets = [{ venue = \"ALPHA\", account = \"b1\" }] }\ninbound = {",
        "buckets.beta.reroute.targets.0.account = \"b1\": expected another account than the only one of the bucket itself",
    ),
    (
        "tries = 2",
        "tries = 17",
        "buckets.alpha.reroute.tries = 17: expected a whole number from 1 to 16",
    ),
    (
        "from = { alpha = \"10\" }",
        "from = { gamma = \"10\" }",
        "buckets.beta.inbound.from.gamma = \"10\": expected as its key a name declared in [buckets]: alpha, beta",
    ),
    (
        "from = { alpha = \"10\" }",
        "from = { beta = \"10\" }",
        "buckets.beta.inbound.from.beta = \"10\": expected as its key another bucket",
    ),
    (
        "from = { alpha = \"10\" }",
        "from = { alpha = \"-10\" }",
        "buckets.beta.inbound.from.alpha = \"-10\": expected zero or more",
    ),
    (
        "total_max = \"10\", ",
        "",
        "buckets.beta.inbound.total_max is missing: expected an amount of money in quotes",
    ),
    (
        "inbound = {",
        "dead_man = { after = \"5s\" }\ninbound = {",
        "buckets.beta.dead_man.action is missing: expected one of \"none\", \"no_new\", \"cancel_all\"",
    ),
    (
        "inbound = {",
        "dead_man = { action = \"stop\" }\ninbound = {",
        "buckets.beta.dead_man.action = \"stop\": expected one of \"none\", \"no_new\", \"cancel_all\"",
    ),
    (
        "inbound = {",
        "dead_man = { action = \"no_new\", after = \"2d\" }\ninbound = {",
        "buckets.beta.dead_man.after = \"2d\": expected a duration in quotes such as \"30s\", from 1ms to 1d",
    ),
    // Engine.
    (
        "default_quota = 1000",
        "quarantine_parent = \"x\"",
        "engine.quarantine_parent = \"x\": expected a name declared in [groups]: desk, firm",
    ),
    (
        "default_quota = 1000",
        "quarantine_currency = \"EUR\"",
        "engine.quarantine_currency = \"EUR\": expected USD, the currency of its group",
    ),
    (
        "[groups.firm]",
        "[groups.other]\nlevel = \"firm\"\ncurrency = \"USD\"\n[groups.firm]",
        "engine.quarantine_parent is missing: expected the group that fills of unknown orders count in, as there are several firms",
    ),
    (
        "default_quota = 1000",
        "conversions = [[\"EUR\"]]",
        "engine.conversions.0 = [\"EUR\"]: expected 2 to 4 different currencies, from the first to the last",
    ),
    (
        "default_quota = 1000",
        "conversions = [[\"EUR\", \"USD\", \"EUR\"]]",
        "engine.conversions.0 = [\"EUR\", \"USD\", \"EUR\"]: expected 2 to 4 different currencies, from the first to the last",
    ),
    (
        "default_quota = 1000",
        "conversions = [[\"EUR\", \"USD\"], [\"EUR\", \"GBP\", \"USD\"]]",
        "engine.conversions.1 = [\"EUR\", \"GBP\", \"USD\"]: expected one path from a currency to another",
    ),
    (
        "default_quota = 1000",
        "rate_max_age = \"0s\"",
        "engine.rate_max_age = \"0s\": expected a duration in quotes such as \"30s\", from 1ms to 1d",
    ),
];

#[test]
fn every_error_names_key_value_and_what_is_allowed() {
    for (from, to, message) in REFUSED {
        let found = problems(&changed(from, to));
        assert!(
            found.iter().any(|problem| problem == message),
            "{from:?} -> {to:?}\nexpected {message}\nfound    {found:#?}"
        );
        assert_eq!(found.len(), 1, "{to:?} leads to more: {found:#?}");
    }
}

#[test]
fn a_bucket_has_no_more_accounts_than_are_told_apart() {
    let accounts = |count: usize| {
        let account = |index| format!("{{ venue = \"BETA\", account = \"n{index}\" }}");
        (0..count).map(account).collect::<Vec<_>>().join(", ")
    };
    let known = "{ venue = \"BETA\", account = \"a2\" }";
    // Beside the one that stays.
    for (more, refused) in [(63, false), (64, true)] {
        let more = format!("{known}, {}", accounts(more - 1));
        let found = problems(&changed(known, &more));
        let expected = "buckets.alpha.accounts.64 = {account = \"n62\", venue = \"BETA\"}: expected at most 64 accounts of a bucket";
        let expected: &[&str] = if refused { &[expected] } else { &[] };
        assert_eq!(found, expected);
    }
}
