-- What the scripts share: the arithmetic of detect/ratelimit; a test holds the two against
-- each other. A caller's counters are a hash:
--   "t"   the second of the last call
--   "b"   when the hash was made, in microseconds: another one of that name is not this one
--   for each period from 0 (second) to 5 (year), by shape:
--     fixed    "0"   window:count, windows of the calendar in UTC
--     sliding  "s0"  window:count:count of the window before
--     gcra     "g0"  tick:level
if redis.replicate_commands then redis.replicate_commands() end -- before Redis 7

-- The month that a day (since 1970) lies in, counted from year 0.
local function month(day)
	local z = day + 719468
	local era = math.floor(z / 146097)
	local doe = z - era * 146097
	local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
	local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
	local mp = math.floor((5 * doy + 2) / 153)
	return (yoe + era * 400) * 12 + mp + 2 -- mp counts from March
end

-- By period + 1.
local spans = {1, 60, 3600, 86400, 30 * 86400, 365 * 86400} -- seconds
local longest = {1, 60, 3600, 86400, 31 * 86400, 366 * 86400} -- seconds, of calendar windows
local ticks = {1, 1, 10, 1000, 10000, 60000} -- milliseconds

local function numbers(text)
	local list = {}
	for digits in string.gmatch(text or '', '%d+') do list[#list + 1] = tonumber(digits) end
	return list
end

local prefix = {fixed = '', sliding = 's', gcra = 'g'}

-- The window of a period (1 to 6) that a second lies in.
local function window(shape, p, second)
	if shape == 'sliding' or p <= 4 then return math.floor(second / spans[p]) end
	local m = month(math.floor(second / 86400))
	if p == 6 then m = math.floor(m / 12) end
	return m
end

local function tick(p, second, milli) return math.floor((second * 1000 + milli) / ticks[p]) end

local function worth(p) return spans[p] * 1000 / ticks[p] end -- of a call, in a level of gcra

-- A clock that was set back a little (a failover) opens no window a second time.
local function notBefore(last, now, milli)
	if now < last and last - now <= 300 then return last, 0 end
	return now, milli
end

