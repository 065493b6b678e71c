-- 10,000 jobs, each makes one file from one file: see prepare.sh.
for i = 1, 10000 do
  local input, output = ("in/%05d.c"):format(i), ("out/%05d.o"):format(i)
  orch.job(("compile:%05d"):format(i), {
    inputs = input, outputs = output, run = "cp " .. input .. " " .. output,
  })
end
