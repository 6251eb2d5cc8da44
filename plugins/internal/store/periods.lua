-- What the scripts share: the arithmetic of detect/ratelimit; a test holds the two against
-- each other. A caller's counters are a hash:
--   "t"   the second of the last call
--   "b"   when the hash was made, in microseconds: another one of that name is not this one
--   for each period from 0 (second) to 5 (year), by shape:
--     fixed    "0"   window:count, windows of the calendar in UTC
--     sliding  "s0"  window:count:count of the window before
--     gcra     "g0"  tick:level
--   and with "/90" behind it where the window has a length of its own
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
local longest = {[5] = 31 * 86400, [6] = 366 * 86400} -- seconds, of calendar windows
local ticks = {1, 1, 10, 1000, 10000, 60000} -- milliseconds

local function numbers(text)
	local list = {}
	for digits in string.gmatch(text or '', '%d+') do list[#list + 1] = tonumber(digits) end
	return list
end

local prefix = {fixed = '', sliding = 's', gcra = 'g'}

-- The limits of a request: period (1 to 6), limit, length of the window in seconds, or nil
-- where it is the calendar's, and the name of the field. ARGV holds three numbers for each from
-- a place on, the length being 0 where it is the period's.
local function limitsFrom(first, shape)
	local list = {}
	for i = first, #ARGV, 3 do
		local l = {p = tonumber(ARGV[i]) + 1, limit = tonumber(ARGV[i + 1]), name = prefix[shape] .. ARGV[i]}
		local span = tonumber(ARGV[i + 2])
		if span > 0 then
			l.span, l.name = span, l.name .. '/' .. ARGV[i + 2]
		elseif shape ~= 'fixed' or l.p <= 4 then
			l.span = spans[l.p]
		end
		list[#list + 1] = l
	end
	return list
end

-- The window of a limit that a second lies in.
local function window(l, second)
	if l.span then return math.floor(second / l.span) end
	local m = month(math.floor(second / 86400))
	if l.p == 6 then m = math.floor(m / 12) end
	return m
end

local function tick(l, second, milli) return math.floor((second * 1000 + milli) / ticks[l.p]) end

local function worth(l) return l.span * 1000 / ticks[l.p] end -- of a call, in a level of gcra

-- A clock that was set back a little (a failover) opens no window a second time.
local function notBefore(last, now, milli)
	if now < last and last - now <= 300 then return last, 0 end
	return now, milli
end

