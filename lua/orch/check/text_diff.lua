--- The lines in which two texts differ, as `diff -u` shows them.
---
---     for _, line in ipairs(text_diff(before, after)) do print(line) end

local CONTEXT = 3
local MOST_STEPS = 400 -- lines that differ; of more the whole middle counts as changed

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "[^\n]*\n?" do
    if line ~= "" then lines[#lines + 1] = line end
  end
  return lines
end

--- The way from one list to the other with the fewest steps (Myers 1986): for each number of
--- steps how far each diagonal gets; nil where there are too many.
local function trace(a, b)
  local n, m, reach, history = #a, #b, { [1] = 0 }, {}
  for d = 0, math.min(n + m, MOST_STEPS) do
    for k = -d, d, 2 do
      local x
      if k == -d or k ~= d and reach[k - 1] < reach[k + 1] then
        x = reach[k + 1]
      else
        x = reach[k - 1] + 1
      end
      while x < n and x - k < m and a[x + 1] == b[x - k + 1] do x = x + 1 end
      reach[k] = x
      if x >= n and x - k >= m then return history, d end
    end
    local copy = {}
    for k, x in pairs(reach) do copy[k] = x end
    history[d + 1] = copy -- what step d + 1 begins with
  end
end

--- Steps "=", "-", "+", the last first.
local function walk_back(history, d, n, m)
  local steps, x, y = {}, n, m
  for i = d, 1, -1 do
    local reach, k = history[i], x - y
    local down = k == -i or k ~= i and (reach[k - 1] or -1) < (reach[k + 1] or -1)
    local before = down and k + 1 or k - 1
    local from_x = reach[before]
    local from_y = from_x - before
    while x > from_x and y > from_y do
      steps[#steps + 1], x, y = "=", x - 1, y - 1
    end
    steps[#steps + 1] = down and "+" or "-"
    x, y = from_x, from_y
  end
  for _ = 1, x do steps[#steps + 1] = "=" end
  return steps
end

local function edit(a, b)
  local history, d = trace(a, b)
  local steps = {}
  if history then
    local back = walk_back(history, d, #a, #b)
    for i = #back, 1, -1 do steps[#steps + 1] = back[i] end
    return steps
  end
  for i = 1, #a do steps[i] = "-" end
  for i = 1, #b do steps[#a + i] = "+" end
  return steps
end

--- What both begin and end with costs nothing.
local function steps_of(a, b)
  local head, tail = 0, 0
  while head < #a and head < #b and a[head + 1] == b[head + 1] do head = head + 1 end
  while tail < #a - head and tail < #b - head and a[#a - tail] == b[#b - tail] do
    tail = tail + 1
  end
  local steps = {}
  for i = 1, head do steps[i] = "=" end
  for _, step in ipairs(edit(table.move(a, head + 1, #a - tail, 1, {}),
    table.move(b, head + 1, #b - tail, 1, {}))) do
    steps[#steps + 1] = step
  end
  for _ = 1, tail do steps[#steps + 1] = "=" end
  return steps
end

--- Which steps are shown: those that change something, and a few around them.
local function shown_of(steps)
  local shown = {}
  for i, step in ipairs(steps) do
    if step ~= "=" then
      for near = i - CONTEXT, i + CONTEXT do shown[near] = true end
    end
  end
  return shown
end

local marks = { ["="] = " ", ["-"] = "-", ["+"] = "+" }

---@param before string
---@param after string
---@return string[] lines each beginning with " ", "-", "+" or "@@"; none where they are equal
return function(before, after)
  local a, b = lines_of(before), lines_of(after)
  local steps = steps_of(a, b)
  local shown, out, x, y, open = shown_of(steps), {}, 0, 0, false
  for i, step in ipairs(steps) do
    if step ~= "+" then x = x + 1 end
    if step ~= "-" then y = y + 1 end
    if not shown[i] then
      open = false
    else
      if not open then
        open, out[#out + 1] = true, ("@@ line %d @@"):format(step == "-" and x or y)
      end
      local line = step == "+" and b[y] or a[x]
      out[#out + 1] = marks[step] .. line:gsub("\n$", "")
      if line:sub(-1) ~= "\n" then out[#out + 1] = "\\ no line end" end
    end
  end
  return out
end
