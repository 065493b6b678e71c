-- `orch` is the only global that a script gets.
local known = {}
for name in ([[_G _VERSION assert collectgarbage coroutine debug dofile error
  getmetatable io ipairs load loadfile math next os package pairs pcall print
  rawequal rawget rawlen rawset require select setmetatable string table
  tonumber tostring type utf8 warn xpcall]]):gmatch("%S+") do
  known[name] = true
end
for name in pairs(_G) do
  if not known[name] then print(name) end
end

-- out: orch
