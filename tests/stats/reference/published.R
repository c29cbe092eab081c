# Analyses printed in manuals, vignettes and papers, run again: Rscript published.R published.json
# (R 4.2.2; survival 3.5.3, pROC 1.18.0, riskRegression 2022.11.28, rms 6.5.0).  Data go into the JSON.
suppressMessages({library(survival); library(pROC); library(riskRegression); library(rms); library(pec); library(prodlim)})
num <- function(x) unname(as.numeric(x)); out <- list()
tight <- coxph.control(eps = 1e-14, iter.max = 50)
# pROC's own example, aneurysmal subarachnoid haemorrhage
data(aSAH); a <- aSAH; a$y <- as.numeric(a$outcome == "Poor"); a$wfns <- as.numeric(a$wfns)
r <- function(v, rows = TRUE) roc(a$y[rows], a[[v]][rows], quiet = TRUE, direction = "<")
w <- r("wfns"); s <- r("s100b"); k <- r("ndka"); paired <- roc.test(w, s); apart <- roc.test(w, s, paired = FALSE)
out$asah <- list(data = as.list(a[, c("y", "wfns", "s100b", "ndka")]), auc = num(c(auc(w), auc(s), auc(k))),
  ci = list(num(ci(w)), num(ci(s)), num(ci(k))), paired = num(c(paired$statistic, paired$p.value)),
  unpaired = num(c(apart$statistic, apart$parameter, apart$p.value)), best = num(coords(s, "best", best.method = "youden", transpose = TRUE)))
# survival's vignette on time-dependent covariates: proportional hazards in the veteran data
v <- veteran; vf <- coxph(Surv(time, status) ~ trt + prior + karno, v, control = tight); z <- cox.zph(vf)
out$veteran <- list(data = as.list(v[, c("time", "status", "trt", "prior", "karno")]), coef = num(coef(vf)), chisq = num(z$table[, 1]), p = num(z$table[, 3]))
# survival's vignette on competing risks: monoclonal gammopathy, by another route to Fine and Gray's model than cmprsk's
m <- mgus2; m$etime <- with(m, ifelse(pstat == 0, futime, ptime)); m$event <- with(m, ifelse(pstat == 0, 2 * death, 1))
m <- m[complete.cases(m[, c("age", "sex", "mspike")]), ]
f <- finegray(Surv(etime, factor(event)) ~ ., data = m, etype = 1)
ff <- coxph(Surv(fgstart, fgstop, fgstatus) ~ age + sex + mspike, f, weights = fgwt, ties = "breslow", control = tight)
cs <- coxph(Surv(etime, event == 1) ~ age + sex + mspike, m, control = tight)
aj <- summary(survfit(Surv(etime, factor(event)) ~ sex, m), times = c(120, 240))
out$mgus2 <- list(data = list(time = m$etime, status = m$event, age = m$age, sex = as.character(m$sex), mspike = m$mspike), fine_gray = num(coef(ff)),
  cause_specific = num(coef(cs)), cause_se = num(sqrt(diag(vcov(cs)))), pstate = num(aj$pstate[, 2]), std_err = num(aj$std.err[, 2]))
# McLernon et al. (2023) for the STRATOS initiative: a model of the Rotterdam data, validated on the GBSG trial at 5 years
ro <- rotterdam; ro$ryear <- ro$rtime / 365.25; ro$rfs <- pmax(ro$recur, ro$death)
ro$rfs[ro$recur == 0 & ro$death == 1 & ro$rtime < ro$dtime] <- 0
ro$cnode <- pmin(ro$nodes, 19); ro$grade3 <- as.numeric(ro$grade == 3); nk <- c(0, 1, 9)
ro$size <- as.character(ro$size); sp <- function(x) rcspline.eval(x, knots = nk)[, 1]
ro5 <- survSplit(Surv(ryear, rfs) ~ ., data = ro, cut = 5, episode = "epoch"); ro5 <- ro5[ro5$epoch == 1, ]; ro5$nodes3 <- sp(ro5$cnode)
fit <- coxph(Surv(ryear, rfs) ~ size + cnode + nodes3 + grade3, ro5, x = TRUE, y = TRUE, control = tight)
g <- gbsg; g$ryear <- g$rfstime / 365.25; g$rfs <- g$status; g$cnode <- pmin(g$nodes, 19); g$grade3 <- as.numeric(g$grade == 3)
g$size <- as.character(cut(g$size, c(0, 20, 50, 500), labels = c("<=20", "20-50", ">50"))); g$nodes3 <- sp(g$cnode)
g <- survSplit(Surv(ryear, rfs) ~ ., data = g, cut = 5, episode = "epoch"); g <- g[g$epoch == 1, ]
risk <- 1 - num(predictSurvProb(fit, newdata = g, times = 5)); lp <- predict(fit, newdata = g)
h <- concordance(Surv(ryear, rfs) ~ lp, g, reverse = TRUE); u <- concordance(Surv(ryear, rfs) ~ lp, g, reverse = TRUE, timewt = "n/G2")
sc <- Score(list(m = matrix(risk, ncol = 1)), formula = Surv(ryear, rfs) ~ 1, data = g, times = 4.99, metrics = c("auc", "brier"), summary = "ipa", conf.int = TRUE)
km <- summary(survfit(Surv(ryear, rfs) ~ 1, g), times = 5, extend = TRUE)
slope <- coxph(Surv(ryear, rfs) ~ lp, g, control = tight); ll <- log(-log(1 - risk))
kn <- attr(rcspline.eval(ll, nk = 3), "knots"); sm <- coxph(Surv(ryear, rfs) ~ ll + s2, data.frame(g, ll = ll, s2 = rcspline.eval(ll, knots = kn)[, 1]), x = TRUE, control = tight)
obs <- 1 - num(predictSurvProb(sm, newdata = data.frame(ll = ll, s2 = rcspline.eval(ll, knots = kn)[, 1]), times = 5)); gap <- abs(obs - risk)
dev <- function(d, extra) list(time = d$ryear, event = d$rfs, size = d$size, cnode = d$cnode, grade3 = d$grade3)
out$stratos <- list(rotterdam = dev(ro5), gbsg = dev(g), coef = num(coef(fit)), terms = names(coef(fit)), risk = risk[1:20], harrell = num(c(h$concordance, sqrt(h$var))),
  uno = num(u$concordance), auc = num(unlist(sc$AUC$score[, c("AUC", "se")])), brier = num(unlist(sc$Brier$score[, c("Brier", "IPA")])), oe = (1 - km$surv) / mean(risk),
  slope = num(c(coef(slope), sqrt(vcov(slope)))), ici = c(mean(gap), median(gap), num(quantile(gap, .9)), max(gap)), royston = num(royston(fit, newdata = g)[1:2]))
cat(jsonlite::toJSON(out, digits = NA, na = "null", auto_unbox = TRUE), file = commandArgs(TRUE)[1])
