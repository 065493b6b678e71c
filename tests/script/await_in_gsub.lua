-- Lua cannot wait inside string.gsub.
print((("abc"):gsub("%a", function(c)
  orch.sleep(0.001)
  return c
end)))

-- err: orch: await_in_gsub.lua:3: sleep was called inside string.gsub (await_in_gsub.lua:2); collect the matches first, then wait for each
-- err: ...
-- err:   [C]: in method 'gsub'
-- err: ...
-- exit: 1
