# Data of R's survival package in the columns of the shared reference script (reference/r/oracle.R), which then wrote the
# JSON beside each CSV:
#   Rscript oracle_data.R
#   Rscript oracle.R oracle_pbc.csv oracle_pbc.json 1000,2500
#   Rscript oracle.R oracle_mgus2.csv oracle_mgus2.json 60,180
#   Rscript oracle.R oracle_rotterdam.csv oracle_rotterdam.json 60,120
# pbc: 160 units, since HL is not a number in R from 171 on; mgus2: times in whole months, so ties everywhere, and missing values;
# rotterdam: two causes, continuous times.
suppressMessages(library(survival))
save <- function(d, name) write.csv(d, paste0("oracle_", name, ".csv"), row.names = FALSE, quote = FALSE)
p <- pbc[!is.na(pbc$trt), ]
p <- p[complete.cases(p[, c("time", "status", "age", "bili", "hepato", "stage", "albumin", "spiders")]), ][1:160, ]
save(data.frame(time = p$time, event = as.numeric(p$status > 0), status = c(0, 2, 1)[p$status + 1], x1 = round(p$age, 2),
  x2 = p$bili, b1 = p$hepato, g = paste0("s", p$stage), y = p$spiders, m1 = -p$albumin, m2 = p$protime), "pbc")
m <- mgus2
m <- data.frame(time = m$ptime, event = as.numeric(m$pstat == 1 | m$death == 1),
  status = ifelse(m$pstat == 1, 1, ifelse(m$death == 1, 2, 0)), x1 = m$age, x2 = m$hgb, b1 = as.numeric(m$sex == "F"),
  g = paste0("d", 10 * (m$dxyr %/% 10)), y = as.numeric(m$mspike > 1.2), m1 = m$creat, m2 = -m$hgb)
save(m[!is.na(m$x2) & !is.na(m$y), ], "mgus2")
r <- rotterdam[seq(1, nrow(rotterdam), by = 3), ]; rel <- r$recur == 1
save(data.frame(time = round(ifelse(rel, r$rtime, r$dtime) / 30.4375, 4), event = as.numeric(rel | r$death == 1),
  status = ifelse(rel, 1, ifelse(r$death == 1, 2, 0)), x1 = r$age, x2 = r$nodes, b1 = as.numeric(r$er < 10),
  g = c("<=20" = "small", "20-50" = "medium", ">50" = "large")[as.character(r$size)], y = as.numeric(r$grade == 3),
  m1 = round(log1p(r$pgr), 4), m2 = r$nodes + (r$size == ">50")), "rotterdam")
